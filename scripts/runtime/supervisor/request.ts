// Judges what came over the supervisor's socket. Only its own user can connect, so this guards against versions that
// do not fit, not against malice.

import type { Request, Spec } from "./protocol.ts";

export function isRequest(value: unknown): value is Request {
  if (!isRecord(value)) return false;
  switch (value["op"]) {
    case "hello":
    case "list":
    case "exits":
      return true;
    case "start":
      return Array.isArray(value["specs"]) && value["specs"].every(isSpec);
    case "stop":
    case "restart":
      return isStrings(value["names"]) && typeof value["graceMs"] === "number";
    case "shutdown":
      return typeof value["graceMs"] === "number";
    default:
      return false;
  }
}

function isSpec(value: unknown): value is Spec {
  return (
    isRecord(value) &&
    ["name", "fingerprint", "workingDir", "logFile"].every((key) => typeof value[key] === "string") &&
    ["command", "sockets", "after"].every((key) => isStrings(value[key])) &&
    isRecord(value["env"]) &&
    isRecord(value["owner"]) &&
    (value["build"] === undefined || isRecord(value["build"]))
  );
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
