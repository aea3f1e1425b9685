export interface SmokeCheck {
  sentence: string;
  holds: boolean;
}
