/** A failed try, with what the API answered to it. */
export interface AnsweredFailure {
  error: string;
  /** The API's text without secrets, on one line. */
  answer?: string | null | undefined;
}

/** The error and the API's answer in one sentence, as every list, mail and page shows them. */
export function failureText({ error, answer }: AnsweredFailure): string {
  // A conflict's error is the answer, and earlier versions added the answer to the error.
  if (answer == null || answer === '' || error.includes(answer)) return error;
  return error === '' ? `the API answered: ${answer}` : `${error}; the API answered: ${answer}`;
}
