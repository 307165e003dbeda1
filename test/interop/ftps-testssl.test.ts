import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startFtps } from "../support/ftps-server.ts";
import { temporaryDirectory } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { runProgram } from "../support/run-program.ts";

const skip = programOrSkip("testssl");

/** One line of testssl's JSON report. */
interface Finding {
  readonly id: string;
  readonly severity: "OK" | "INFO" | "LOW" | "MEDIUM" | "HIGH" | "CRITICAL" | "WARN" | "DEBUG" | "FATAL";
  readonly finding: string;
}

/** What testssl finds with these checks. It is told the port of a listener on 127.0.0.1. */
async function findingsOf(port: number, args: readonly string[]): Promise<Finding[]> {
  const directory = await temporaryDirectory();
  const report = join(directory, "report.json");
  const settings = ["--warnings", "off", "--color", "0", "--quiet", "--ip", "one", "--jsonfile", report];
  await runProgram("testssl", [...settings, ...args, `127.0.0.1:${port}`]);
  const findings = JSON.parse(await readFile(report, "utf8")) as Finding[];
  await rm(directory, { recursive: true });
  return findings;
}

function assertNothingWorseThanLow(findings: readonly Finding[]): void {
  const worse = ["MEDIUM", "HIGH", "CRITICAL", "FATAL"];
  assert.deepEqual(
    findings.filter(({ severity }) => worse.includes(severity)),
    [],
  );
  const findingOf = (id: string) => findings.find((finding) => finding.id === id)?.finding;
  assert.equal(findingOf("TLS1"), "not offered");
  assert.equal(findingOf("TLS1_1"), "not offered");
  assert.match(findingOf("TLS1_3") ?? "", /^offered/);
}

// The certificate is one of the test's own, so what testssl would say about it (-S) is left out.
describe("testssl", () => {
  it("finds nothing worse than LOW behind AUTH TLS: protocols, ciphers, forward secrecy, vulnerabilities", {
    skip,
  }, async () => {
    const ftps = await startFtps();
    const findings = await findingsOf(ftps.port, ["-p", "-s", "-f", "-P", "-U", "--starttls", "ftp"]);
    await ftps.close();
    assertNothingWorseThanLow(findings);
    assert.ok(findings.some(({ id, severity }) => id === "secure_client_renego" && severity === "OK"));
  });

  it("finds nothing worse than LOW on an implicit listener: protocols and ciphers", { skip }, async () => {
    const ftps = await startFtps({ listener: { implicit: true } });
    const findings = await findingsOf(ftps.port, ["-p", "-s"]);
    await ftps.close();
    assertNothingWorseThanLow(findings);
  });
});
