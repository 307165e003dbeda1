import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../core/limits.ts";
import type { SessionServices } from "../../../service/session/services.ts";
import { asAdmin, basic, startApi } from "./rig.ts";

async function record(services: SessionServices, count: number, data: Readonly<Record<string, unknown>> = {}) {
  for (let index = 0; index < count; index += 1) {
    await services.accounting.append({
      id: `deleted-${index}`,
      type: "file.deleted",
      time: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
      server: "test",
      account: { name: "acme", groups: ["one", "two"] },
      protocol: "sftp",
      peer: { address: "203.0.113.9", port: 50_000 },
      message: "deleted",
      data: { path: `/inbox/${index}`, ...data },
    });
  }
}

const query = "?type=file.deleted";

test("NDJSON holds every event that the filters select, however many pages that takes", async (t) => {
  const { url, services } = await startApi(t);
  const count = 2 * limits.eventPageEntries + 1;
  await record(services, count);
  for (const request of [
    fetch(`${url}/v1/events${query}&format=ndjson`, asAdmin),
    fetch(`${url}/v1/events${query}`, { headers: { ...asAdmin.headers, accept: "application/x-ndjson" } }),
  ]) {
    const response = await request;
    assert.equal(response.headers.get("content-type"), "application/x-ndjson");
    const lines = (await response.text()).trimEnd().split("\n");
    assert.equal(lines.length, count);
    assert.equal(JSON.parse(lines.at(-1) ?? "").data.path, `/inbox/${count - 1}`);
  }
});

test("CSV has a header and a line for each event (RFC 4180)", async (t) => {
  const { url, services } = await startApi(t);
  await record(services, 2, { path: '/a "b", c', direction: "upload", bytes: 7 });
  const headers = { ...asAdmin.headers, accept: "text/csv" };
  const response = await fetch(`${url}/v1/events${query}`, { headers });
  assert.equal(response.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
  const [head, first, , last] = (await response.text()).split("\r\n");
  assert.equal(
    head,
    "id,time,type,server,account,groups,session,protocol,peerAddress,peerPort,path,direction,bytes,sha256,message,data",
  );
  assert.equal(
    first,
    "deleted-0,2026-01-01T00:00:00.000Z,file.deleted,test,acme,one two,,sftp,203.0.113.9,50000," +
      '"/a ""b"", c",upload,7,,deleted,"{""path"":""/a \\""b\\"", c"",""direction"":""upload"",""bytes"":7}"',
  );
  assert.equal(last, "");
});

test("what a spreadsheet would take for a formula is kept from being one", async (t) => {
  const { url, services } = await startApi(t);
  await record(services, 1, { path: "=cmd|' /C calc'!A0" });
  const csv = await (await fetch(`${url}/v1/events${query}&format=csv`, asAdmin)).text();
  assert.match(csv, /,'=cmd\|' \/C calc'!A0,/);
});

test("with a limit, CSV and NDJSON come in pages too", async (t) => {
  const { url, services } = await startApi(t);
  await record(services, 3);
  const response = await fetch(`${url}/v1/events${query}&format=csv&limit=2`, asAdmin);
  assert.match(response.headers.get("link") ?? "", /rel="next"/);
  assert.equal((await response.text()).split("\r\n").length, 4);
});

test("an export ends its session when it is through, and is refused like a page", async (t) => {
  const { url, services, types } = await startApi(t);
  await record(services, 1);
  await (await fetch(`${url}/v1/events${query}&format=csv`, asAdmin)).text();
  assert.equal((await fetch(`${url}/v1/events?format=csv`, { headers: { authorization: basic("acme") } })).status, 403);
  assert.equal((await fetch(`${url}/v1/events?format=csv&colour=red`, asAdmin)).status, 400);
  assert.equal((await fetch(`${url}/v1/events?format=csv&type=none`, asAdmin)).status, 400);
  assert.equal((await fetch(`${url}/v1/events?format=xml`, asAdmin)).status, 400);
  const head = await fetch(`${url}/v1/events?format=csv`, { ...asAdmin, method: "HEAD" });
  assert.match(head.headers.get("content-type") ?? "", /^text\/csv/);
  const count = (type: string) => types().filter((recorded) => recorded === type).length;
  assert.equal(count("session.ended"), count("session.started"));
});
