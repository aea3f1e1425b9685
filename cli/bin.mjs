#!/usr/bin/env node
// The command `sluice`: the sources in a checkout; in an installed package what `prepack` built of them, because Node
// strips no types below node_modules.
import './require-node.mjs';
import { existsSync } from 'node:fs';
import { URL } from 'node:url';

const sources = new URL('sluice.ts', import.meta.url);
await import((existsSync(sources) ? sources : new URL('../dist/cli/sluice.mjs', import.meta.url)).href);
