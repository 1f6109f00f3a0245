import * as fc from "fast-check";
import { test } from "vitest";

import {
  groupOf,
  allocate,
  allocateAddresses,
  allocatePorts,
  allocateUsers,
  loopbackAddress,
} from "../../../scripts/runtime/allocate.ts";

test("every block has addresses of its own, all of them loopback", ({ expect }) => {
  const addresses = Array.from({ length: 4000 }, (_, index) => loopbackAddress(index + 1, 1));
  expect(new Set(addresses).size).toBe(4000);
  expect(addresses[0]).toBe("127.64.1.1");
  expect(addresses[254]).toBe("127.64.255.1");
  expect(addresses[255]).toBe("127.65.0.1");
  expect(addresses.at(-1)).toBe("127.79.160.1");
});

test("a trust domain keeps its address when another is added before it, and its last number in another block", ({
  expect,
}) => {
  const first = allocateAddresses(1, ["broker.example", "stockmarket.example"]);
  expect(first).toEqual({ "broker.example": "127.64.1.1", "stockmarket.example": "127.64.1.2" });
  const edited = allocateAddresses(1, ["bank.example", "stockmarket.example"], first);
  expect(edited).toEqual({ "bank.example": "127.64.1.1", "stockmarket.example": "127.64.1.2" });
  expect(allocateAddresses(2, ["stockmarket.example"], edited)).toEqual({ "stockmarket.example": "127.64.2.2" });
});

const inBroker = (...names: string[]) => names.map((name) => ({ name, trustDomain: "broker.example" }));

test("inbound ports start at 9443 in each trust domain", ({ expect }) => {
  const workloads = [...inBroker("broker", "ledger"), { name: "quotes", trustDomain: "stockmarket.example" }];
  expect(allocatePorts(workloads)).toEqual({ broker: 9443, ledger: 9444, quotes: 9443 });
});

test("a removed workload frees its port, and the others keep theirs", ({ expect }) => {
  const before = allocatePorts(inBroker("a", "b", "c"));
  const without = allocatePorts(inBroker("b", "c"), before);
  expect(without).toEqual({ b: 9444, c: 9445 });
  expect(allocatePorts(inBroker("d", "b", "c"), without)).toEqual({ d: 9443, b: 9444, c: 9445 });
});

test("a workload that moves to a trust domain where its port is taken gets another", ({ expect }) => {
  const before = { a: 9443, b: 9443 };
  expect(allocatePorts(inBroker("a", "b"), before)).toEqual({ a: 9443, b: 9444 });
});

test("an edit never renumbers a process, and gives no id of a removed one to its successor", ({ expect }) => {
  const before = allocateUsers(600_000, ["a", "b", "c"]);
  expect(before).toEqual({ a: 600_000, b: 600_001, c: 600_002 });
  expect(allocateUsers(600_000, ["new", "b"], before)).toEqual({ b: 600_001, new: 600_003 });
});

test("ids are unique and inside the block over any history of edits", ({ expect }) => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 60 }), (history) => {
      let assigned: Record<string, number> = {};
      for (const processes of history) {
        const next = allocateUsers(600_000, processes, assigned);
        for (const name of processes) if (assigned[name] !== undefined) expect(next[name]).toBe(assigned[name]);
        assigned = next;
        const ids = Object.values(assigned);
        expect(ids).toHaveLength(processes.length);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.every((id) => id >= 600_000 && id < groupOf(600_000))).toBe(true);
      }
    }),
  );
});

test("without root there are no users to give", ({ expect }) => {
  const wanted = { trustDomains: ["broker.example"], workloads: inBroker("broker"), processes: ["broker"] };
  expect(allocate(wanted, { block: 7 })).toEqual({
    loopbackBlock: 7,
    addresses: { "broker.example": "127.64.7.1" },
    inboundPorts: { broker: 9443 },
  });
  expect(allocate(wanted, { block: 7, firstUser: 601_000 }).users).toEqual({
    first: 601_000,
    assigned: { broker: 601_000 },
  });
});
