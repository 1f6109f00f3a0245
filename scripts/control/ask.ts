// Lets the CLI speak with a controller in a container: node scripts/control/ask.ts, one request as JSON on standard input
// (observe/unix-http.ts), its answer as JSON on standard output. It runs as the controller's own user, beside it.

import { text } from "node:stream/consumers";

import { exitStatus, messageOf, systemErrorCode } from "../errors.ts";
import { requestUnix, type UnixRequest } from "../observe/unix-http.ts";
import type { ContainerAnswer } from "./ask-container.ts";

const given = await text(process.stdin);
if (given === "") process.exitCode = exitStatus.usage;
else process.stdout.write(JSON.stringify(await answer(given)));

async function answer(json: string): Promise<ContainerAnswer> {
  try {
    const request: UnixRequest = JSON.parse(json);
    const { status, body } = await requestUnix(request);
    return { status, body };
  } catch (error) {
    const code = systemErrorCode(error);
    return { failed: messageOf(error), ...(code === undefined ? {} : { code }) };
  }
}
