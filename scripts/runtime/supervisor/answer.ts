// Judges what the supervisor answered: a supervisor of another version may still run.

import type { ProcessStatus } from "../runtime.ts";
import type { Answers, ExitEvent, Request } from "./protocol.ts";

const guards: { readonly [Op in Request["op"]]: (value: unknown) => value is Answers[Op] } = {
  hello: isHello,
  start: isStarted,
  stop: isNull,
  restart: isRestarted,
  list: (value) => Array.isArray(value) && value.every(isStatus),
  exits: isNull,
  shutdown: isNull,
};

/** The result in an answer's line. Throws what the supervisor said it could not do. */
export function resultOf<Op extends Request["op"]>(op: Op, line: string): Answers[Op] {
  const answer: unknown = JSON.parse(line);
  if (!isRecord(answer)) throw new Error("it did not answer with an object");
  if (answer["ok"] !== true) throw new Error(String(answer["error"]));
  const result = answer["result"];
  const guard = guards[op];
  if (!guard(result)) throw new Error("its answer is of another version");
  return result;
}

export function isExitEvent(value: unknown): value is ExitEvent {
  return isRecord(value) && isStatus(value["exit"]);
}

function isHello(value: unknown): value is Answers["hello"] {
  return (
    isRecord(value) &&
    typeof value["protocol"] === "number" &&
    typeof value["pid"] === "number" &&
    typeof value["started"] === "string"
  );
}

function isStarted(value: unknown): value is Answers["start"] {
  return isRecord(value) && ["started", "restarted", "unchanged"].every((key) => Array.isArray(value[key]));
}

function isRestarted(value: unknown): value is Answers["restart"] {
  return isRecord(value) && Array.isArray(value["unknown"]);
}

function isStatus(value: unknown): value is ProcessStatus {
  return (
    isRecord(value) &&
    typeof value["name"] === "string" &&
    typeof value["state"] === "string" &&
    typeof value["restarts"] === "number"
  );
}

function isNull(value: unknown): value is null {
  return value === null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
