import { mkdir, writeFile } from "node:fs/promises";

import { test } from "vitest";

import { openMemory } from "../../../scripts/control/memory.ts";
import { socketFolder } from "../observe/fixtures.ts";

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const forgets = (reason: string): void => {
  throw new Error(reason);
};

test("a bundle is held since it was first seen, also over a restart", async ({ expect }) => {
  await using folder = await socketFolder();
  const file = folder.path("memory.json");
  const memory = await openMemory(file, forgets);
  expect(memory.holdsBundle("broker.example", "aa", at(1))).toBe(at(1).toISOString());
  expect(memory.holdsBundle("broker.example", "aa", at(9))).toBe(at(1).toISOString());
  await memory.save();
  const later = await openMemory(file, forgets);
  expect(later.holdsBundle("broker.example", "aa", at(20))).toBe(at(1).toISOString());
  expect(later.holdsBundle("broker.example", "bb", at(30))).toBe(at(30).toISOString());
});

test("a rotation is another serial, and nothing else", async ({ expect }) => {
  await using folder = await socketFolder();
  const memory = await openMemory(folder.path("memory.json"), forgets);
  const seen = ["1f", "1f", "2a", "2a", "3b"].map((serial, index) =>
    memory.holdsSvid("quotes-sidecar", serial, at(index)),
  );
  expect(seen.map(({ rotations }) => rotations)).toEqual([0, 0, 1, 1, 2]);
  expect(new Set(seen.map(({ since }) => since))).toEqual(new Set([at(0).toISOString()]));
});

test("a memory that cannot be read begins anew and says so", async ({ expect }) => {
  await using folder = await socketFolder();
  const file = folder.path("memory.json");
  await writeFile(file, "{ half");
  const said: string[] = [];
  const memory = await openMemory(file, (reason) => said.push(reason));
  expect(memory.holdsSvid("quotes-sidecar", "1f", at(0)).rotations).toBe(0);
  expect(said).toEqual([expect.stringContaining("memory.json cannot be read")]);
});

test("what could not be saved is saved by the next call, and calls at once do not meet", async ({ expect }) => {
  await using folder = await socketFolder();
  const file = folder.path("late/memory.json");
  const memory = await openMemory(file, forgets);
  memory.holdsSvid("quotes-sidecar", "1f", at(0));
  await expect(memory.save()).rejects.toMatchObject({ code: "ENOENT" });
  await mkdir(folder.path("late"));
  const saves = [memory.save()];
  for (const serial of ["2a", "3b", "4c"]) {
    memory.holdsSvid("quotes-sidecar", serial, at(1));
    saves.push(memory.save());
  }
  await Promise.all(saves);
  expect((await openMemory(file, forgets)).holdsSvid("quotes-sidecar", "4c", at(2)).rotations).toBe(3);
});
