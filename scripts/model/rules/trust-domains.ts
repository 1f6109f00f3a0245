// Rules of trust domains: their short names, whom they federate with, and what they say of their bundle endpoint.

import { isDeclared, type DomainDraft, type Draft } from "../draft.ts";
import { child, isMisspelt, valueAt } from "../part.ts";
import { didYouMean, quote, type Finding, type LineOf } from "../problem.ts";
import { readers } from "../syntax.ts";

export function trustDomainFindings({ domains }: Draft, lineOf: LineOf): Finding[] {
  return domains.flatMap((domain) => [
    ...nameFindings(domain, domains, lineOf),
    ...federationFindings(domain, domains, lineOf),
    ...(domain.external === undefined ? endpointFindings(domain) : externalFindings(domain)),
  ]);
}

/** Where its short name is written, or the domain when it is only derived. */
export function nameOrDomain(domain: DomainDraft): Pick<Finding, "path" | "at"> {
  const given = domain.name?.given === true;
  return given ? { path: [...domain.path, "name"], at: "value" } : { path: domain.path, at: "key" };
}

function nameFindings(domain: DomainDraft, domains: readonly DomainDraft[], lineOf: LineOf): Finding[] {
  const { name } = domain;
  if (name === undefined) {
    // A domain or a name that is not well-formed is the schema's to report.
    const isReported = child(domain.part, "name") !== undefined || isMisspelt(domain.part.value, "name");
    if (isReported || !readers["trust-domain"].read(domain.domain).ok) return [];
    const message = `the first label of ${quote(domain.domain)} cannot be the domain's name`;
    return [{ path: domain.path, at: "key", message, suggestion: "write a name below it, such as `name: partner`" }];
  }
  const first = domains.find((other) => other.name?.value === name.value);
  if (first === undefined || first === domain) return [];
  const message = `${quote(name.value)} is already the name of ${quote(first.domain)} (line ${lineOf(first.path)})`;
  const suggestion = name.given ? "write another name" : "write `name: …` below one of them";
  return [{ ...nameOrDomain(domain), message, suggestion }];
}

function federationFindings(domain: DomainDraft, domains: readonly DomainDraft[], lineOf: LineOf): Finding[] {
  const names = domains.map((other) => other.domain);
  const partners = domain.federatesWith?.value ?? [];
  return partners.flatMap(({ path, value }, index): Finding[] => {
    const place = { path, at: "value" } as const;
    const earlier = partners.slice(0, index).find((other) => other.value === value);
    if (value === domain.domain) {
      return [{ ...place, message: `${quote(value)} cannot federate with itself`, suggestion: "remove it" }];
    }
    if (earlier !== undefined) {
      return [
        {
          ...place,
          message: `${quote(value)} stands twice (line ${lineOf(earlier.path)})`,
          suggestion: "write it once",
        },
      ];
    }
    if (isDeclared({ domains }, value)) return [];
    const message = `${quote(value)} is not a trust domain of this file`;
    return [{ ...place, message, suggestion: didYouMean(value, names, "declare it under `trustDomains`") }];
  });
}

function endpointFindings({ bundleEndpoint, profile }: DomainDraft): Finding[] {
  if (bundleEndpoint === undefined || profile === undefined) return [];
  const acme = child(bundleEndpoint, "acme");
  if (profile.value === "https_spiffe" && acme !== undefined) {
    const message = "`acme` has no use with `https_spiffe`, whose certificate is an SVID";
    return [{ path: acme.path, at: "key", message, suggestion: "remove it, or write `profile: https_web`" }];
  }
  if (profile.value === "https_web" && acme === undefined) {
    const message = "`https_web` needs a certificate of the Web PKI";
    return [{ path: profile.path, at: "value", message, suggestion: "write `acme:` beside it" }];
  }
  return [];
}

/** What is said of a domain that somebody else runs must be what they told us; the rest is theirs. */
function externalFindings({ domain, external, part }: DomainDraft): Finding[] {
  const ours = ["federatesWith", "ttl", "bundleEndpoint"].flatMap((key): Finding[] => {
    const given = child(part, key);
    if (given === undefined) return [];
    const message = `${quote(key)} of ${quote(domain)} is for those who run it to decide`;
    return [{ path: given.path, at: "key", message, suggestion: "remove it, or `external`" }];
  });
  const isSpiffe = valueAt(external?.value, ["profile"]) === "https_spiffe";
  const missing = (isSpiffe ? ["spiffeId", "bundle"] : []).filter((key) => child(external, key) === undefined);
  return [
    ...ours,
    ...missing.map((key): Finding => {
      const suggestion =
        key === "bundle"
          ? "write `bundle: partners/partner.json`"
          : `write \`spiffeId: spiffe://${domain}/spire/server\``;
      return {
        path: [...part.path, "external"],
        at: "key",
        message: `\`https_spiffe\` needs ${quote(key)}`,
        suggestion,
      };
    }),
  ];
}
