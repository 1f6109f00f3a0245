// Rules of a call, `METHOD PATH`, as the callee's sidecar matches them: after normalisation, without the query. What
// could only match before normalisation, or match two ways, cannot be written.

import type { Rule } from "./mesh.ts";
import { listed, quote, write, type Read } from "./problem.ts";

/** Methods of RFC 9110 and RFC 5789 that a sidecar forwards; CONNECT and TRACE are never admitted. */
export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"] as const;

/** Pattern for editors; `readRule` decides. */
export const rulePattern = `^(${methods.join("|").replace("*", "\\*")}) /[^?#%;\\s]*$`;
export const pathPattern = "^/[^?#%;*\\s]*$";

const longestPath = 1024;

export function readRule(text: string): Read<Rule> {
  const words = text.trim().split(/\s+/);
  const [written = "", path] = words;
  if (written.startsWith("/")) return refuse(text, "the method is missing", meantRule("GET", written));
  const method = methods.find((candidate) => candidate === written.toUpperCase());
  if (method === undefined) {
    const admitted = listed(quoted(methods), "or");
    return refuse(text, `${quote(written)} is not a method a sidecar admits`, `write ${admitted}`);
  }
  if (path === undefined) return refuse(text, "the path is missing", `write \`${method} /quotes\``);
  if (words.length > 2) return refuse(text, "it has more than a method and a path", meantRule(method, path));
  if (written !== method) return refuse(text, "the method must be in capitals", meantRule(method, path));
  if (text !== `${method} ${path}`) return refuse(text, "one blank separates method and path", meantRule(method, path));
  const reason = pathReason(path, { wildcard: true });
  return reason === undefined ? { ok: true, value: { method, path } } : refuse(text, reason, meantRule(method, path));
}

function meantRule(method: string, path: string): string {
  const meant = meantPath(path);
  const isRule = pathReason(meant, { wildcard: true }) === undefined;
  return isRule ? write(`${method} ${meant}`) : "write `GET /quotes` or `* /entries/*`";
}

/** A path without wildcard, e.g. of a health route. */
export function readUrlPath(text: string): Read<string> {
  const reason = pathReason(text, { wildcard: false });
  if (reason === undefined) return { ok: true, value: text };
  const meant = meantPath(text).replace(/\/\*$/, "");
  const suggestion = write(pathReason(meant, { wildcard: false }) === undefined ? meant : "/health");
  return { ok: false, problem: `${quote(text)} is not a path: ${reason}`, suggestion };
}

function refuse(text: string, reason: string, suggestion: string): Read<Rule> {
  return { ok: false, problem: `${quote(text)} is not a rule: ${reason}`, suggestion };
}

function quoted(words: readonly string[]): string[] {
  return words.map((word) => quote(word));
}

function pathReason(path: string, { wildcard }: { wildcard: boolean }): string | undefined {
  const exact = wildcard && path.endsWith("/*") ? path.slice(0, -1) : path;
  const segments = exact.split("/");
  if (!path.startsWith("/")) return "the path must begin with `/`";
  if (path.length > longestPath) return `the path is longer than ${longestPath} characters`;
  if (/[?#]/.test(path)) return "a path is matched without query and fragment";
  if (path.includes("%")) return "a path must not contain percent-encoding";
  if (path.includes("//")) return "a path must not contain `//`";
  if (segments.includes(".") || segments.includes("..")) return "a path must not contain dot segments";
  if (exact.includes("*")) return wildcard ? "`*` may stand only at the end, as `/*`" : "a path must not contain `*`";
  // RFC 3986 pchar without `%` (above) and `;`: path parameters are read differently by different servers.
  if (!/^[A-Za-z0-9/._~!$&'()+,=:@-]*$/.test(exact)) return "the path has a character that no rule may have";
  return undefined;
}

/** The path with the usual slips taken out; not always one that can be. */
function meantPath(path: string): string {
  const bare = path.replace(/[?#].*$/s, "").replaceAll(/\/{2,}/g, "/");
  return (bare.startsWith("/") ? bare : `/${bare}`).replace(/\/?\*+$/, "/*");
}
