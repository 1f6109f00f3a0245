// How often partners look at a bundle: one number that TTL rules, rendering and freshness of bundles go by.

/**
 * `spiffe_refresh_hint` of every bundle endpoint of the mesh, in seconds. SPIRE Server polls a partner at a quarter of
 * it and never more often than every 15 s, so this is the shortest that still makes a difference (spire,
 * pkg/common/bundleutil/refreshhint.go).
 */
export const refreshHintSeconds = 60;
