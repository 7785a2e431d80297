/* A process whose console is a ConsoleHost on its real streams. See console-process.ts. */

import { register } from 'tsx/esm/api';

register();
await import('./console-process.ts');
