import type { Lease, Leases } from "../../ports/leases.ts";

/** Leases of one process. */
export function createMemoryLeases(now: () => number): Leases {
  const held = new Map<string, Lease & { readonly group: string }>();
  const current = (group: string, name: string) => {
    const lease = held.get(`${group} ${name}`);
    return lease && lease.endsAtMs > now() ? lease : undefined;
  };
  return {
    take: async ({ group, name, owner, leaseMs }) => {
      const other = current(group, name);
      if (other && other.owner !== owner) return false;
      held.set(`${group} ${name}`, { group, name, owner, endsAtMs: now() + leaseMs });
      return true;
    },
    find: async (group, name) => plain(current(group, name)),
    list: async (group) =>
      [...held.values()]
        .filter((lease) => lease.group === group)
        .flatMap(({ name }) => plain(current(group, name)) ?? [])
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    release: async (group, name, owner) => {
      if (current(group, name)?.owner === owner) held.delete(`${group} ${name}`);
    },
  };
}

function plain(lease: Lease | undefined): Lease | undefined {
  return lease && { name: lease.name, owner: lease.owner, endsAtMs: lease.endsAtMs };
}
