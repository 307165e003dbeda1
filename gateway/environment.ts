import { isIPv4 } from "node:net";
import { environmentNames as names } from "../adapters/aws/env.ts";
import { readScannedPart, type ScannedPart } from "../adapters/aws/s3-scan.ts";
import { limits } from "../core/limits.ts";
import { type AddressBlock, parseAddressBlock, SourceAddressError } from "../core/source-address.ts";

export type Availability = "active-active" | "active-passive";

/** How SFTP is served. */
export interface SftpEnvironment {
  readonly port: number;
  readonly hostKeysSecret: string;
  readonly algorithms: "strict" | "compatible";
}

/** How FTPS is served. */
export interface FtpsEnvironment {
  readonly explicitPort: number | undefined;
  readonly implicitPort: number | undefined;
  readonly tlsSecret: string;
  /** The load balancer's passive ports, both included. */
  readonly passivePorts: PortRange;
  /** What PASV names: one address, or one for each availability zone. */
  readonly passiveAddress: string | ReadonlyMap<string, string>;
  readonly sessionReuse: "required" | "preferred";
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What the container is told, checked. Secrets, tables and the like are names. */
export interface GatewayEnvironment {
  readonly serverName: string;
  readonly dataBucket: string;
  readonly table: string;
  readonly eventBus: string;
  readonly authFunction: string;
  readonly scan?: ScannedPart | undefined;
  readonly sftp: SftpEnvironment | undefined;
  readonly ftps: FtpsEnvironment | undefined;
  /** Where FTPS data connections and connections from other tasks arrive; undefined when nothing of it is needed. */
  readonly dataPort: number | undefined;
  readonly trustedProxies: readonly AddressBlock[];
  readonly healthPort: number;
  readonly availability: Availability;
  readonly drainMs: number;
  /** How long at a stretch transfers keep this task from being ended; 0 for not at all. */
  readonly longestProtectionMs: number;
  readonly listenAddress: string;
  /** Undefined: what ECS says about this task. */
  readonly taskAddress: string | undefined;
}

export type EnvironmentReading =
  | { readonly ok: true; readonly environment: GatewayEnvironment }
  /** One line for each problem, which begins with the name of the variable. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the variables of adapters/aws/env.ts. Every problem is listed, not only the first. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): EnvironmentReading {
  const reader = new VariableReader(variables);
  const environment = environmentOf(reader);
  checkPorts(reader, environment);
  return reader.problems.length > 0 ? { ok: false, problems: reader.problems } : { ok: true, environment };
}

function environmentOf(reader: VariableReader): GatewayEnvironment {
  const availability = reader.choice(names.availability, ["active-active", "active-passive"]);
  const ftps = ftpsOf(reader);
  const needsDataPort = ftps !== undefined || availability === "active-passive";
  return {
    serverName: reader.text(names.serverName, "ferrygate"),
    dataBucket: reader.text(names.dataBucket),
    table: reader.text(names.table),
    eventBus: reader.text(names.eventBus),
    authFunction: reader.text(names.authFunction),
    ...(reader.has(names.scan) && { scan: reader.parsed(names.scan, readScannedPart) }),
    sftp: sftpOf(reader),
    ftps,
    dataPort: needsDataPort ? reader.port(names.dataPort) : undefined,
    trustedProxies: needsDataPort ? reader.blocks(names.trustedProxies) : [],
    healthPort: reader.port(names.healthPort),
    availability,
    drainMs: drainSecondsOf(reader) * 1000,
    longestProtectionMs: protectMinutesOf(reader) * 60_000,
    listenAddress: reader.text(names.listenAddress, "0.0.0.0"),
    taskAddress: reader.has(names.taskAddress) ? reader.ipv4(names.taskAddress) : undefined,
  };
}

function sftpOf(reader: VariableReader): SftpEnvironment | undefined {
  if (!reader.has(names.sftpPort)) return undefined;
  return {
    port: reader.port(names.sftpPort),
    hostKeysSecret: reader.text(names.hostKeysSecret),
    algorithms: reader.choice(names.sftpAlgorithms, ["strict", "compatible"]),
  };
}

function ftpsOf(reader: VariableReader): FtpsEnvironment | undefined {
  const [hasExplicit, hasImplicit] = [reader.has(names.ftpsPort), reader.has(names.ftpsImplicitPort)];
  if (!hasExplicit && !hasImplicit) return undefined;
  return {
    explicitPort: hasExplicit ? reader.port(names.ftpsPort) : undefined,
    implicitPort: hasImplicit ? reader.port(names.ftpsImplicitPort) : undefined,
    tlsSecret: reader.text(names.tlsSecret),
    passivePorts: reader.portRange(names.passivePorts),
    passiveAddress: passiveAddressOf(reader),
    sessionReuse: reader.choice(names.ftpsSessionReuse, ["preferred", "required"]),
  };
}

function passiveAddressOf(reader: VariableReader): string | ReadonlyMap<string, string> {
  const text = reader.text(names.passiveAddress);
  if (!text.includes("=")) return reader.ipv4(names.passiveAddress);
  const byZone = new Map<string, string>();
  for (const entry of text.split(",")) {
    const [zone = "", address = ""] = entry.trim().split("=");
    if (zone !== "" && isIPv4(address)) byZone.set(zone, address);
    else reader.refuse(names.passiveAddress, `${JSON.stringify(entry)} is not ZONE=IPv4-address`);
  }
  return byZone;
}

function drainSecondsOf(reader: VariableReader): number {
  if (!reader.has(names.drainSeconds)) return limits.defaultDrainSeconds;
  return reader.integer(names.drainSeconds, 1, limits.longestDrainSeconds);
}

function protectMinutesOf(reader: VariableReader): number {
  if (!reader.has(names.protectMinutes)) return 0;
  return reader.integer(names.protectMinutes, 0, limits.longestTaskProtectionMinutes);
}

/** A header's destination port tells what a connection is for, so no port may mean two things. */
function checkPorts(reader: VariableReader, { sftp, ftps, dataPort, healthPort }: GatewayEnvironment): void {
  if (!sftp && !ftps) reader.refuse(names.sftpPort, "neither this nor an FTPS port is set: nothing would be served");
  const taken = new Map<number, string>();
  const own: readonly (readonly [string, number | undefined])[] = [
    [names.sftpPort, sftp?.port],
    [names.ftpsPort, ftps?.explicitPort],
    [names.ftpsImplicitPort, ftps?.implicitPort],
    [names.dataPort, dataPort],
    [names.healthPort, healthPort],
  ];
  for (const [name, port] of own) {
    if (port === undefined || port === 0) continue;
    const other = taken.get(port);
    if (other !== undefined) reader.refuse(name, `${port} is the port of ${other} too`);
    taken.set(port, name);
    const isPassive = ftps && port >= ftps.passivePorts.first && port <= ftps.passivePorts.last;
    if (isPassive) reader.refuse(name, `${port} is one of the passive ports too`);
  }
}

/** Answers something of the right type in any case, and remembers what was wrong. */
class VariableReader {
  readonly problems: string[] = [];
  readonly #variables: Readonly<Record<string, string | undefined>>;

  constructor(variables: Readonly<Record<string, string | undefined>>) {
    this.#variables = variables;
  }

  has(name: string): boolean {
    return (this.#variables[name] ?? "").trim() !== "";
  }

  refuse(name: string, problem: string): void {
    this.problems.push(`${name}: ${problem}`);
  }

  text(name: string, byDefault?: string): string {
    const value = this.#variables[name]?.trim() || byDefault;
    if (value === undefined) this.refuse(name, "is not set");
    return value ?? "";
  }

  choice<const Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
    const value = this.text(name, choices[0]);
    const choice = choices.find((each) => each === value);
    if (choice === undefined) this.refuse(name, `${JSON.stringify(value)} is not one of ${choices.join(", ")}`);
    return choice ?? choices[0];
  }

  /** @param parse throws an Error whose message is a clause about the text */
  parsed<Value>(name: string, parse: (text: string) => Value): Value | undefined {
    try {
      return parse(this.text(name));
    } catch (error) {
      this.refuse(name, error instanceof Error ? error.message : `${error}`);
      return undefined;
    }
  }

  integer(name: string, least: number, most: number): number {
    const value = this.text(name);
    if (value === "") return 0;
    const isInRange = /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most;
    if (isInRange) return Number(value);
    this.refuse(name, `${JSON.stringify(value)} is not a whole number from ${least} to ${most}`);
    return 0;
  }

  port(name: string): number {
    return this.integer(name, 1, 65_535);
  }

  portRange(name: string): PortRange {
    const value = this.text(name);
    const [, first = 0, last = 0] = (/^(\d{1,5})-(\d{1,5})$/.exec(value) ?? []).map(Number);
    const isRange = first >= 1 && last >= first && last <= 65_535;
    if (value !== "" && !isRange) this.refuse(name, `${JSON.stringify(value)} is not FIRST-LAST, such as 50000-50019`);
    return { first, last };
  }

  ipv4(name: string): string {
    const value = this.text(name);
    if (value !== "" && !isIPv4(value)) this.refuse(name, `${JSON.stringify(value)} is not an IPv4 address`);
    return value;
  }

  blocks(name: string): AddressBlock[] {
    const value = this.text(name);
    if (value === "") return [];
    return value.split(",").flatMap((text) => this.#block(name, text.trim()));
  }

  #block(name: string, text: string): AddressBlock[] {
    try {
      return [parseAddressBlock(text)];
    } catch (error) {
      if (!(error instanceof SourceAddressError)) throw error;
      this.refuse(name, error.message);
      return [];
    }
  }
}
