// An address of this machine is listened on once. `0.0.0.0` takes its port on every address.

import type { Draft } from "../draft.ts";
import type { HostPort } from "../mesh.ts";
import { child, scalar, type Located } from "../part.ts";
import { quote, type Finding, type LineOf } from "../problem.ts";
import { readers } from "../syntax.ts";

interface Listener extends Located<HostPort> {
  readonly what: string;
}

export function addressFindings(draft: Draft, lineOf: LineOf): Finding[] {
  const listeners = listenersOf(draft);
  return listeners.flatMap((listener, index): Finding[] => {
    const first = listeners.slice(0, index).find((other) => collide(other.value, listener.value));
    if (first === undefined) return [];
    const message = `${spelt(listener.value)} is taken by ${first.what} (line ${lineOf(first.path)}${asWritten(first, listener)})`;
    return [{ path: listener.path, at: "value", message, suggestion: "write another port" }];
  });
}

function listenersOf({ domains, workloads }: Draft): Listener[] {
  const endpoints = domains.map(({ domain, bundleEndpoint }) => {
    const address = scalar(child(child(bundleEndpoint, "expose"), "listen"), readers["listen-address"].read);
    return address === undefined ? undefined : { ...address, what: `the bundle endpoint of ${quote(domain)}` };
  });
  const others = workloads.flatMap(({ name, app, publish, part }) => {
    const exposed = scalar(child(child(part, "expose"), "listen"), readers["listen-address"].read);
    return [
      publish === undefined ? undefined : { ...publish, what: `\`publish\` of ${quote(name)}` },
      app?.listen === undefined ? undefined : { ...app.listen, what: `the app of ${quote(name)}` },
      exposed === undefined ? undefined : { ...exposed, what: `\`expose\` of ${quote(name)}` },
    ];
  });
  return [...endpoints, ...others].filter((listener) => listener !== undefined);
}

const everyAddress = "0.0.0.0";

function collide(left: HostPort, right: HostPort): boolean {
  const sameHost = left.host === right.host || left.host === everyAddress || right.host === everyAddress;
  return left.port === right.port && sameHost;
}

function asWritten(first: Listener, listener: Listener): string {
  return first.value.host === listener.value.host ? "" : `, ${spelt(first.value)}`;
}

function spelt({ host, port }: HostPort): string {
  return quote(`${host}:${port}`);
}
