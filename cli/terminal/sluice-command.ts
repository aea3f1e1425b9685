import { isCheckout } from '../stack/state-dir.ts';

/** How the reader of a message runs the command line. Not `npx` in an installed package: npx may download another one. */
export const sluice = isCheckout ? 'npx sluice' : 'sluice';
