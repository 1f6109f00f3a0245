// The syntax of SPIFFE IDs, byte-exact: no normalising, no lower-casing, so that two spellings never mean one identity.
// A leaf: apps and every stage may import it.

/** A syntactically valid SPIFFE ID. */
export interface SpiffeId {
  /** `spiffe://broker.example/webapp`, exactly as written. */
  readonly uri: string;
  /** `broker.example`. */
  readonly trustDomain: string;
  /** `/webapp`; empty when the ID names the trust domain itself. */
  readonly path: string;
}

export type ParsedSpiffeId =
  | { readonly ok: true; readonly id: SpiffeId }
  /** One sentence without a full stop that names the rule. */
  | { readonly ok: false; readonly problem: string };

/** SPIFFE-ID.md 2.3: longest SPIFFE ID that every implementation must take. */
export const maxSpiffeIdBytes = 2048;
/** SPIFFE-ID.md 2.3, from the host part of RFC 3986: longest trust domain name. */
export const maxTrustDomainBytes = 255;

const scheme = "spiffe://";

/**
 * Reads a SPIFFE ID by the whole syntax of SPIFFE-ID.md 2.1–2.3. Scheme and trust domain must be lower-case: the
 * standard calls them case-insensitive, Envoy and SPIRE compare bytes, and one spelling is safer than two.
 */
export function parseSpiffeId(text: string): ParsedSpiffeId {
  const problem = uriProblem(text);
  if (problem !== undefined) return { ok: false, problem };
  const rest = text.slice(scheme.length);
  const slash = rest.indexOf("/");
  const trustDomain = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? "" : rest.slice(slash);
  const part = trustDomainProblem(trustDomain) ?? pathProblem(path);
  if (part !== undefined) return { ok: false, problem: part };
  return { ok: true, id: { uri: text, trustDomain, path } };
}

/** What keeps `text` from being a trust domain name (SPIFFE-ID.md 2.1), as one sentence; undefined when it is one. */
export function trustDomainProblem(text: string): string | undefined {
  if (text === "") return "the trust domain is missing";
  if (text.includes("@")) return "a trust domain must not carry user information (`@`)";
  if (text.includes(":")) return "a trust domain must not carry a port (`:`)";
  if (text.includes("%")) return "a SPIFFE ID must not contain percent-encoding (`%`)";
  if (/[A-Z]/.test(text)) return "a trust domain must be lower-case";
  if (!/^[a-z0-9._-]+$/.test(text)) {
    return "a trust domain may contain lower-case letters, digits, dots, dashes and underscores only";
  }
  if (text.length > maxTrustDomainBytes) return `a trust domain must not be longer than ${maxTrustDomainBytes} bytes`;
  return undefined;
}

/** Rules of the URI as a whole. Text beyond ASCII is refused later, so its length in UTF-16 units is enough here. */
function uriProblem(text: string): string | undefined {
  if (text === "") return "a SPIFFE ID must not be empty";
  if (text.length > maxSpiffeIdBytes) return `a SPIFFE ID must not be longer than ${maxSpiffeIdBytes} bytes`;
  if (!text.startsWith(scheme)) {
    return text.toLowerCase().startsWith(scheme)
      ? "the scheme must be written in lower case, `spiffe://`"
      : "a SPIFFE ID must begin with `spiffe://`";
  }
  if (text.includes("#")) return "a SPIFFE ID must not have a fragment (`#`)";
  if (text.includes("?")) return "a SPIFFE ID must not have a query (`?`)";
  return undefined;
}

/** SPIFFE-ID.md 2.2. The empty path is valid: it names the trust domain itself. */
function pathProblem(path: string): string | undefined {
  if (path === "") return undefined;
  if (path.includes("%")) return "a SPIFFE ID must not contain percent-encoding (`%`)";
  const segments = path.slice(1).split("/");
  if (segments.at(-1) === "") return "the path must not end with a slash";
  if (segments.includes("")) return "the path must not contain empty segments (`//`)";
  if (segments.includes(".") || segments.includes("..")) return "the path must not contain dot segments (`.`, `..`)";
  if (!segments.every((segment) => /^[A-Za-z0-9._-]+$/.test(segment))) {
    return "path segments may contain letters, digits, dots, dashes and underscores only";
  }
  return undefined;
}
