// The controller of one trust domain: makes SPIRE Server and the sidecars agree with the plan, again and again, and
// knows what they hold. Promise: every part may be absent, start late or restart; the next round goes on from there.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { messageOf } from "../errors.ts";
import { fetchSecrets, serialOf } from "../observe/envoy-admin.ts";
import type { ControllerFacts, DomainFacts } from "../observe/facts.ts";
import type { DomainPlan, Plan, SidecarPlan } from "../plan/plan.ts";
import { bundleDigest } from "../spiffe/bundle.ts";
import { trustFacts } from "../trust/facts.ts";
import { changesOf } from "../trust/reconcile.ts";
import { removeStrays } from "../whole-file.ts";
import { applyToServer, applyToSidecars } from "./apply.ts";
import { domainFacts, type FactsOptions } from "./domain-facts.ts";
import { openMemory, type Memory } from "./memory.ts";
import { domainOf, readPlan, writePlan } from "./plan-file.ts";
import { reconcileDomain } from "./reconcile-domain.ts";
import { withoutCallsTo } from "./refused-partners.ts";
import type { PlanReport } from "./report.ts";
import { serverLink, type ServerLink } from "./server-link.ts";
import { rejectionError } from "./take-up.ts";
import { sidecarUpdates } from "./updates.ts";
import { wakeOnChange } from "./wake.ts";

export interface ControllerOptions {
  readonly planFile: string;
  readonly trustDomain: string;
  /** Takes what it did and met, a line each. */
  readonly log: (line: string) => void;
}

/** How often sidecars are looked at: shorter than the life of any SVID, so that no rotation is missed. */
const roundMs = 5000;
/** Every so many rounds the server is asked too; what its partners or its restart change comes by itself (`wake`). */
const roundsPerReconcile = 3;
/** While the server does not answer, or a partner is waited for. */
const retryMs = 1000;

/** @throws MeshError MESH_INPUT_INVALID when the plan cannot be read or lacks the trust domain */
export async function openController(options: ControllerOptions): Promise<Controller> {
  const plan = await readPlan(options.planFile);
  const domain = domainOf(plan, options.trustDomain);
  for (const folder of ownFolders(domain)) await removeStrays(folder);
  const memory = await openMemory(join(dirname(domain.controller.planFile), "memory.json"), options.log);
  return new Controller(options, { plan, domain, memory });
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #memory: Memory;
  readonly #updates = sidecarUpdates();
  readonly #wake = wakeOnChange();
  readonly #startedAt = new Date().toISOString();
  #plan: Plan;
  #domain: DomainPlan;
  #server: ServerLink;
  #reconciledAt: string | undefined;
  #reason: string | undefined;
  /** What is not as planned in the server: it is asked again soon. */
  #unsettled: readonly string[] = [];
  /** Partners that are left out because of their bundle, and why; until `./mesh up` or a restart. */
  readonly #refused = new Map<string, string>();
  /** What the sidecars are told: the same value until something changes, as its renderings are kept by it. */
  #told: { readonly of: string; readonly domain: DomainPlan } | undefined;
  readonly #loggedRefusals = new Set<string>();
  /** Rounds and plans never overlap. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ControllerOptions, first: { plan: Plan; domain: DomainPlan; memory: Memory }) {
    this.#options = options;
    this.#memory = first.memory;
    this.#plan = first.plan;
    this.#domain = first.domain;
    this.#server = serverLink(first.domain);
  }

  /** Reconciles at once, then every few seconds and whenever something happens, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#options.log(`controller of ${this.#domain.trustDomain}, serving on ${this.socket}`);
    for (let round = 0; !signal.aborted; round++) {
      // Before the round, so that what happens during it is not missed.
      this.#wake.watchFolders(watchedFolders(this.#domain));
      const isDue = round % roundsPerReconcile === 0 || this.#unsettled.length > 0;
      await this.#exclusively(() => this.#round({ askServer: isDue }));
      const woken = await this.#wake.rest(this.#unsettled.length === 0 ? roundMs : retryMs, signal);
      if (woken) round = -1;
    }
    this.#wake.close();
    await this.#server.close();
  }

  /** What it knows of its trust domain now. */
  async facts(options: FactsOptions): Promise<DomainFacts> {
    const edges = this.#plan.edges.filter(({ caller }) => caller.trustDomain === this.#domain.trustDomain);
    const facts = await domainFacts(
      this.#toldDomain(),
      edges,
      {
        controller: this.self(),
        memory: this.#memory,
        updates: this.#updates,
        refused: this.#refused,
        trust: () => this.#server.use(trustFacts),
      },
      options,
    );
    await this.#remember();
    return facts;
  }

  /**
   * Takes up a new plan: entries and relationships, then the sidecars' files.
   *
   * @throws MeshError MESH_UPDATE_REJECTED, MESH_SPIRE_API, MESH_TIMEOUT; the plan stays what the controller works on
   */
  async applyPlan(plan: Plan): Promise<PlanReport> {
    return await this.#exclusively(async () => {
      const domain = domainOf(plan, this.#options.trustDomain);
      await writePlan(domain.controller.planFile, plan);
      await this.#adopt(plan, domain);
      this.#refused.clear();
      const { changes, pending } = await applyToServer(domain, this.#server);
      const files = await applyToSidecars(domain, this.#updates);
      for (const change of changes) this.#options.log(change);
      for (const { sidecar, file } of files) this.#options.log(`${sidecar}: ${file} replaced`);
      return { trustDomain: domain.trustDomain, trust: changes, pending, files };
    });
  }

  /** Where it serves. */
  get socket(): string {
    return this.#domain.controller.socket;
  }

  self(): ControllerFacts {
    return {
      process: this.#domain.controller.process,
      pid: process.pid,
      startedAt: this.#startedAt,
      ...(this.#reconciledAt === undefined ? {} : { reconciledAt: this.#reconciledAt }),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    };
  }

  async #adopt(plan: Plan, domain: DomainPlan): Promise<void> {
    if (domain.server.adminSocket !== this.#domain.server.adminSocket) {
      await this.#server.close();
      this.#server = serverLink(domain);
    }
    this.#plan = plan;
    this.#domain = domain;
    this.#told = undefined;
  }

  #toldDomain(): DomainPlan {
    const of = [...this.#refused.keys()].join(" ");
    if (this.#told?.of !== of) this.#told = { of, domain: withoutCallsTo(this.#domain, this.#refused) };
    return this.#told.domain;
  }

  async #round({ askServer }: { readonly askServer: boolean }): Promise<void> {
    if (askServer) this.#unsettled = await this.#reconcileServer();
    const reasons = [...this.#unsettled, ...(await this.#bringSidecars()), ...(await this.#remember())];
    const reason = reasons.length === 0 ? undefined : reasons.join("; ");
    if (reason !== this.#reason) this.#options.log(reason ?? "entries, relationships and sidecars are as planned");
    this.#reason = reason;
    if (askServer && this.#unsettled.length === 0) this.#reconciledAt = new Date().toISOString();
  }

  async #remember(): Promise<readonly string[]> {
    try {
      await this.#memory.save();
      return [];
    } catch (error) {
      return [messageOf(error)];
    }
  }

  async #reconcileServer(): Promise<readonly string[]> {
    try {
      const report = await this.#server.use((api) =>
        reconcileDomain(this.#domain, api, {
          refused: this.#refused,
          onHeld: (bundle) => void this.#memory.holdsBundle(bundle.trustDomain, bundleDigest(bundle), new Date()),
        }),
      );
      for (const change of changesOf(report)) this.#options.log(change);
      this.#logRefusals(report.refused);
      return [...report.failed, ...report.pending];
    } catch (error) {
      return [messageOf(error)];
    }
  }

  /** Once each: they stand in the facts for as long as they last. */
  #logRefusals(refusals: readonly string[]): void {
    for (const refusal of refusals.filter((line) => !this.#loggedRefusals.has(line))) this.#options.log(refusal);
    this.#loggedRefusals.clear();
    for (const refusal of refusals) this.#loggedRefusals.add(refusal);
  }

  async #bringSidecars(): Promise<readonly string[]> {
    const reasons = await Promise.all(this.#toldDomain().sidecars.map((sidecar) => this.#bring(sidecar)));
    return reasons.filter((reason) => reason !== undefined);
  }

  async #bring(sidecar: SidecarPlan): Promise<string | undefined> {
    try {
      const { replaced, rejection } = await this.#updates.bring(sidecar);
      if (replaced.length > 0) this.#options.log(`${sidecar.process}: ${replaced.join(", ")} replaced`);
      await this.#noteSvid(sidecar);
      return rejection === undefined ? undefined : rejectionError(sidecar, rejection).message;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Counts rotations: looked at in every round, which is shorter than any SVID's life. */
  async #noteSvid(sidecar: SidecarPlan): Promise<void> {
    const secrets = await fetchSecrets(sidecar.adminSocket).catch(() => []); // It does not run: nothing to note.
    for (const secret of secrets) {
      if (secret.kind !== "svid" || secret.name !== sidecar.spiffeId) continue;
      this.#memory.holdsSvid(sidecar.process, serialOf(secret.certificate), new Date());
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined); // Whoever asked for the work gets the error; the next goes on.
    return result;
  }
}

/** Where it alone writes; on docker not all of them are there before its first round. */
function ownFolders({ bundleFile, controller, sidecars }: DomainPlan): string[] {
  const files = [bundleFile, controller.planFile].map((file) => dirname(file));
  return [...files, ...sidecars.map(({ dynamicDir }) => dynamicDir)].filter((folder) => existsSync(folder));
}

/** A change there is worth a round: the server's socket appears, or a partner introduces itself. */
function watchedFolders(domain: DomainPlan): string[] {
  const files = [
    domain.server.adminSocket,
    ...domain.relationships.map(({ bootstrapBundleFile }) => bootstrapBundleFile),
  ];
  return [...new Set(files.map((file) => dirname(file)))];
}
