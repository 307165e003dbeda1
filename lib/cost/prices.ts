/**
 * List prices in US dollars, of the Region us-east-1, written down from memory on `recalledOn` and not looked up: check
 * them against AWS's own pages, and your Region's and your contract's, before you rely on a sum.
 */
export const prices = {
  recalledOn: "2026-11-26",
  region: "us-east-1",
  fargateArmVcpuHour: 0.03238,
  fargateArmGibHour: 0.00356,
  fargateSpotShare: 0.35,
  loadBalancerHour: 0.0225,
  loadBalancerUnitHour: 0.006,
  publicAddressHour: 0.005,
  interfaceEndpointHour: 0.01,
  interfaceEndpointGb: 0.01,
  keyMonth: 1,
  secretMonth: 0.4,
  alarmMonth: 0.1,
  dashboardMonth: 3,
  metricMonth: 0.3,
  logGb: 0.5,
  s3GbMonth: 0.023,
  s3ThousandPuts: 0.005,
  s3ThousandGets: 0.0004,
  dynamoMillionWrites: 0.625,
  dynamoMillionReads: 0.125,
  eventMillion: 1,
  queueMillion: 0.4,
  functionMillion: 0.2,
  functionArmGbSecond: 0.0000133334,
  httpApiMillion: 1,
  scanGb: 0.09,
  scanThousandObjects: 0.215,
  outGb: 0.09,
  managedServerProtocolHour: 0.3,
  managedServerGb: 0.04,
} as const;

export type Prices = { readonly [Name in keyof typeof prices]: (typeof prices)[Name] extends string ? string : number };
