import type { ControlRule } from '../../feeds/control-rule.ts';

/** The control file that a lane's files must agree with. */
export interface ControlSettings extends ControlRule {
  /** The lane's prefix, which no name contains. */
  keyPrefix: string;
  lane: string;
}
