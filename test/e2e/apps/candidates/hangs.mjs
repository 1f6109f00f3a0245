// A quotes app that takes connections and never answers.

import { chmodSync } from "node:fs";
import { createServer } from "node:net";

const socket = process.env.LISTEN.slice("unix:".length);
createServer((connection) => connection.resume()).listen(socket, () => chmodSync(socket, 0o660));
