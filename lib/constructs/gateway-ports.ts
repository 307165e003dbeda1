/** What partners connect to. */
export interface ListenerPorts {
  readonly sftp: number;
  readonly ftps: number;
  readonly ftpsImplicit: number;
  readonly firstPassive: number;
  readonly lastPassive: number;
}

export const defaultPorts: ListenerPorts = {
  sftp: 22,
  ftps: 21,
  ftpsImplicit: 990,
  firstPassive: 50_000,
  lastPassive: 50_019,
};

/**
 * What the container listens on. All are above 1024, so that it needs no privilege; FTPS data connections and relayed
 * ones arrive on the one port `data`, behind a PROXY v2 header.
 */
export const containerPorts = { sftp: 2222, ftps: 2121, ftpsImplicit: 2990, data: 5000, health: 8080 } as const;

/** The ports of the passive listeners, in order. */
export function passivePortsOf({ firstPassive, lastPassive }: ListenerPorts): number[] {
  return Array.from({ length: lastPassive - firstPassive + 1 }, (_, index) => firstPassive + index);
}
