import assert from "node:assert/strict";
import { test } from "node:test";
import { programOrSkip } from "../../support/require-program.ts";
import { mustRun } from "../../support/run-program.ts";
import { startApi } from "./rig.ts";

const skip = programOrSkip("curl");
const curl = (...args: string[]) => mustRun("curl", ["-q", "-sS", ...args]);

test("curl reads events as JSON and as lines", { skip }, async (t) => {
  const { url, types } = await startApi(t);
  const user = ["-u", "root:password"];
  const json = await curl(...user, "-G", `${url}/v1/events`, "-d", "limit=2", "--data-urlencode", "path=/in box/");
  assert.deepEqual(JSON.parse(json), { events: [] });
  const lines = await curl(...user, "-H", "Accept: application/x-ndjson", `${url}/v1/events?limit=4`);
  assert.deepEqual(
    lines
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).type),
    [...types().slice(0, 4)],
  );
});

test("curl logs in with Basic after a challenge, and hears who is refused", { skip }, async (t) => {
  const { url, types } = await startApi(t);
  const status = ["-o", "/dev/null", "-w", "%{http_code} %{content_type}"];
  assert.equal(await curl(...status, "--anyauth", "-u", "root:password", `${url}/v1/events`), "200 application/json");
  assert.equal(types().length, 3);
  assert.equal(await curl(...status, "-u", "root:no", `${url}/v1/events`), "401 application/problem+json");
  assert.equal(await curl(...status, "-u", "acme:password", `${url}/v1/events`), "403 application/problem+json");
});

test("curl asks for the headers alone, twice on one connection", { skip }, async (t) => {
  const { url } = await startApi(t);
  const output = await curl("-I", `${url}/health`, `${url}/ready`, "-w", "%{http_code} %{num_connects}\n");
  assert.deepEqual(output.match(/^200 \d$/gm), ["200 1", "200 0"]);
});

test("curl hears which methods there are", { skip }, async (t) => {
  const { url } = await startApi(t);
  const answer = await curl("-X", "PUT", "--data-binary", "@-", "-w", " %{http_code}", `${url}/v1/events`);
  assert.match(answer, /method-not-allowed.* 405$/);
});
