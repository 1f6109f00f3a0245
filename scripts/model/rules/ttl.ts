// Rules of TTLs: a CA must be known to partners before it signs, and an SVID must not outlive the CA that signed it.

import type { DomainDraft, Draft } from "../draft.ts";
import { formatDuration } from "../duration.ts";
import { quote, type Finding } from "../problem.ts";
import { refreshHintSeconds } from "../refresh-hint.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const refreshHintMs = refreshHintSeconds * 1000;
/** SPIFFE_Federation.md 4.1: new keys are published 3–5 refresh hints before they sign. */
const refreshesBeforeUse = 5;
/**
 * SPIRE Server prepares the next CA at half of the current one's life and activates it when a sixth is left
 * (pkg/server/ca/manager): in between, a third of its life, partners must hear of it.
 */
const lifetimesPerWarning = 3;
/** The sixth that is left at activation, at most 7 days: what SPIRE Server guarantees an SVID (MaxSVIDTTLForCATTL). */
const lifetimesPerSvid = 6;
const longestSvidMs = 7 * dayMs;
/** Below this an SVID is renewed more often than agent and sidecar can follow under load. */
const shortestSvidMs = 10_000;
const longestCaMs = 3650 * dayMs;

export function ttlFindings({ domains }: Draft): Finding[] {
  return domains.filter(({ external }) => external === undefined).flatMap(domainFindings);
}

function domainFindings({ caMs, x509SvidMs }: DomainDraft): Finding[] {
  const ca = caMs === undefined ? undefined : caProblem(caMs.value);
  const x509Svid = x509SvidMs === undefined ? undefined : svidProblem(x509SvidMs.value);
  const findings: Finding[] = [];
  if (caMs !== undefined && ca !== undefined) findings.push({ path: caMs.path, at: "value", ...ca });
  if (x509SvidMs !== undefined && x509Svid !== undefined) {
    findings.push({ path: x509SvidMs.path, at: "value", ...x509Svid });
  }
  if (findings.length > 0 || caMs === undefined || x509SvidMs === undefined) return findings;
  const longest = Math.min(caMs.value / lifetimesPerSvid, longestSvidMs);
  if (x509SvidMs.value <= longest) return [];
  return [svidOutlivesCa(caMs.value, x509SvidMs.value, x509SvidMs.given ? x509SvidMs.path : caMs.path)];
}

type Words = Pick<Finding, "message" | "suggestion">;

function caProblem(ms: number): Words | undefined {
  if (ms % 1000 !== 0) return notWhole("ca", ms);
  const needed = refreshHintMs * refreshesBeforeUse;
  if (ms / lifetimesPerWarning < needed) {
    const message =
      `\`ca: ${formatDuration(ms)}\` is unsafe: partners hear of a new CA a third of that before it signs ` +
      `(${formatDuration(Math.floor(ms / lifetimesPerWarning / 1000) * 1000)}), and need 5 refreshes of ${formatDuration(refreshHintMs)} ` +
      `(${formatDuration(needed)})`;
    return { message, suggestion: `write \`ca: ${formatDuration(needed * lifetimesPerWarning)}\` or more` };
  }
  if (ms > longestCaMs) return { message: "a CA must not live longer than ten years", suggestion: "write `ca: 24h`" };
  return undefined;
}

function svidProblem(ms: number): Words | undefined {
  if (ms % 1000 !== 0) return notWhole("x509Svid", ms);
  if (ms >= shortestSvidMs) return undefined;
  const message = `\`x509Svid: ${formatDuration(ms)}\` is too short to be renewed in time`;
  return { message, suggestion: `write \`x509Svid: ${formatDuration(shortestSvidMs)}\` or more` };
}

function notWhole(key: string, ms: number): Words {
  const whole = formatDuration(Math.max(1, Math.floor(ms / 1000)) * 1000);
  return { message: `SPIRE Server counts ${quote(key)} in whole seconds`, suggestion: `write \`${key}: ${whole}\`` };
}

function svidOutlivesCa(caMs: number, x509SvidMs: number, path: Finding["path"]): Finding {
  const longest = Math.floor(Math.min(caMs / lifetimesPerSvid, longestSvidMs) / 1000) * 1000;
  const limit =
    longest === longestSvidMs ? "7 days" : `a sixth of \`ca: ${formatDuration(caMs)}\` (${formatDuration(longest)})`;
  const message = `\`x509Svid: ${formatDuration(x509SvidMs)}\` is more than ${limit}: SPIRE Server would cut SVIDs short when it changes its CA`;
  return { path, at: "value", message, suggestion: `write \`x509Svid: ${formatDuration(longest)}\` or less` };
}
