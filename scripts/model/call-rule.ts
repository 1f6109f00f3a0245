// Rules of a call, `METHOD PATH`, as the callee's sidecar matches them: after normalisation, without the query. What
// could only match before normalisation, or match two ways, cannot be written.

import type { Rule } from "./mesh.ts";
import { listed, quote, type Read } from "./problem.ts";

/** Methods of RFC 9110 and RFC 5789 that a sidecar forwards; CONNECT and TRACE are never admitted. */
export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"] as const;

/** Pattern for editors; `readRule` decides. */
export const rulePattern = `^(${methods.join("|").replace("*", "\\*")}) /[^?#%;\\s]*$`;
export const pathPattern = "^/[^?#%;*\\s]*$";

const longestPath = 1024;

export function readRule(text: string): Read<Rule> {
  const words = text.trim().split(/\s+/);
  const [method = "", path] = words;
  const upper = method.toUpperCase();
  const known = methods.some((candidate) => candidate === upper);
  if (method.startsWith("/")) return refuse(text, "the method is missing", `write \`GET ${method}\``);
  if (!known) {
    return refuse(text, `${quote(method)} is not a method a sidecar admits`, `write ${listed(quoted(methods), "or")}`);
  }
  if (path === undefined) return refuse(text, "the path is missing", `write \`${upper} /…\``);
  if (words.length > 2) return refuse(text, "it has more than a method and a path", `write \`${upper} ${path}\``);
  const spelt = `${upper} ${path}`;
  if (spelt !== text) {
    const reason = method === upper ? "one blank separates method and path" : "the method must be in capitals";
    return refuse(text, reason, `write ${quote(spelt)}`);
  }
  const problem = pathProblem(path, { wildcard: true });
  return problem === undefined
    ? { ok: true, value: { method, path } }
    : refuse(
        text,
        problem.reason,
        problem.meant === undefined ? undefined : `write ${quote(`${method} ${problem.meant}`)}`,
      );
}

/** A path without wildcard, e.g. of a health route. */
export function readUrlPath(text: string): Read<string> {
  const problem = pathProblem(text, { wildcard: false });
  if (problem === undefined) return { ok: true, value: text };
  const suggestion = `write ${quote(problem.meant ?? "/health")}`;
  return { ok: false, problem: `${quote(text)} is not a path: ${problem.reason}`, suggestion };
}

function refuse(text: string, reason: string, suggestion = "write `GET /quotes` or `* /entries/*`"): Read<Rule> {
  return { ok: false, problem: `${quote(text)} is not a rule: ${reason}`, suggestion };
}

function quoted(words: readonly string[]): string[] {
  return words.map((word) => quote(word));
}

interface PathProblem {
  readonly reason: string;
  /** What was probably meant, itself valid. */
  readonly meant?: string | undefined;
}

function pathProblem(path: string, { wildcard }: { wildcard: boolean }): PathProblem | undefined {
  const reason = pathReason(path, wildcard);
  if (reason === undefined) return undefined;
  const meant = meantPath(path);
  return { reason, meant: pathReason(meant, wildcard) === undefined ? meant : undefined };
}

function pathReason(path: string, wildcard: boolean): string | undefined {
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

function meantPath(path: string): string {
  const bare = path.replace(/[?#].*$/s, "").replaceAll(/\/{2,}/g, "/");
  return (bare.startsWith("/") ? bare : `/${bare}`).replace(/\/?\*+$/, "/*");
}
