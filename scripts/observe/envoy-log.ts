// What Envoy says only in its log: why it rejected an update that is not a listener's.

/**
 * Envoy's reason for the last rejected update, from lines of its log, oldest first. Undefined when they have none.
 *
 * The lines are filesystem_subscription_impl.cc's `Filesystem config update rejected: …` and `… update failure: …`.
 * Protobuf's messages come with random runs of spaces, so that nobody depends on them: they are joined.
 */
export function rejectionIn(lines: readonly string[]): string | undefined {
  const line = lines.findLast((text) => pattern.test(text));
  const [, reason = ""] = pattern.exec(line ?? "") ?? [];
  const words = reason.replaceAll("goo.gle/debugproto", "").replaceAll(/\s+/g, " ").trim();
  return words === "" ? undefined : words;
}

const pattern = /Filesystem config update (?:rejected|failure): (.+)$/;
