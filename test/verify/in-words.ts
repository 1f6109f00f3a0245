// What the witnesses of an attempt said, as the report has it.

import { requestsIn } from "./instance/app-witness.ts";
import type { Seen } from "./instance/probe.ts";
import type { AccessLogEntry } from "./instance/sidecar-witness.ts";

export function inWords(seen: Seen): string {
  if (seen.kind === "http") return `HTTP ${seen.status}`;
  if (seen.kind === "alert") return `TLS alert ${seen.name}`;
  if (seen.kind === "timeout") return "no answer";
  if (seen.kind === "told") return seen.text;
  return seen.code === undefined ? "connection closed" : `connection closed (${seen.code})`;
}

/** A refused connection has its failure, a refused request its details, a refused callee the upstream's failure. */
export function reasonOf(entry: AccessLogEntry | undefined): string {
  if (entry === undefined) return "";
  const { failure, upstream_failure: upstream, details } = entry;
  const said = [failure, upstream, details].filter((text) => text !== undefined && text !== null);
  return said.map(inWordsOf).join("; ");
}

/** `TLS_error:|268435581:SSL_routines:OPENSSL_internal:…:_SAN_match:TLS_error_end` without the library's own frame. */
function inWordsOf(text: string): string {
  return text
    .replaceAll(/\|?\d{6,}:/g, "")
    .replaceAll(/TLS_error:|:?TLS_error_end|SSL_routines:|OPENSSL_internal:/g, "")
    .replaceAll("_", " ")
    .trim();
}

/** @param received undefined: it could not be asked */
export function receivedInWords(received: readonly string[] | undefined): string {
  if (received === undefined) return "not asked: it is the mesh's own";
  return received.length === 0 ? "received nothing" : `received ${JSON.stringify(requestsIn(received))}`;
}
