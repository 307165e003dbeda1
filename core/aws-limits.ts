const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const second = 1000;
const minute = 60 * second;

/** The bounds of what stands on the services of AWS; part of `limits`. */
export const awsLimits = {
  /** Tries of one call of an AWS service, with the SDK's backoff between them. */
  awsAttempts: 4,
  awsConnectMs: 3 * second,
  /** From the last byte of a request to the first of its answer. */
  awsRequestMs: 30 * second,
  /** Open connections to one service of AWS, and to the store, which carries the bytes. */
  awsConnections: 50,
  awsTransferConnections: 200,
  /**
   * A page of the audit index ends early when so many events were looked at for it, because each of them is paid for;
   * a search that finds nothing among ten times as many is refused.
   */
  auditScanEvents: 20_000,
  /** Events that are written into the audit index at the same time. */
  auditWrites: 16,
  /**
   * How long an event is in the audit index before a reader who goes from old to new is shown it. Writers work side by
   * side, and until then one of them may still put an event in front of it.
   */
  auditSettleMs: 10 * second,
  /** How late such a reader may see an event; only behind that is a file that was expected missing. */
  auditLateMs: 2 * 60 * second,
  /** How long a writer may take; it has given up before its event would be shown behind others. */
  auditWriteMs: 5 * second,
  /** How far a server's clock may be ahead of that of the accounting function. */
  auditClockMs: 24 * 60 * minute,
  /** Changes of the configuration that a process catches up with one by one; behind on more, it reads all entries. */
  configurationChanges: 500,
  /** How long it is known what a change of the configuration was about. */
  configurationChangesMs: 24 * 60 * minute,
  /** Of one call of EventBridge: entries, and their bytes together (1 MiB in most regions, less in some). */
  busEntries: 10,
  busRequestBytes: 256 * KiB,
  /** Calls of EventBridge under way at the same time. */
  busCalls: 8,
  /** How often an event that EventBridge did not take is sent; the pauses between double. */
  busTries: 6,
  busRetryMs: 100,
  /** After this time an event that EventBridge did not take is not sent again: a client waits for it. */
  busLongestMs: 30 * second,
  /** Transfers and sessions that a process remembers to have ended, lest a start that is recorded again opens them. */
  endedSpans: 10_000,
  /** How long it is known that a process had transfers and sessions, counted from the last of them. */
  ownerRetentionMs: 366 * 24 * 60 * minute,
  /** How long what a process that died has left is with the one that ends it. */
  adoptionMs: 5 * minute,
  /** Longer ids of events stand in the table's names as their digest. */
  auditIdBytes: 200,
  /** How often a connector of AWS Transfer Family is asked how far it is, and how long it may take. */
  connectorPollMs: 2 * second,
  connectorTransferMs: 12 * 60 * minute,
  connectorCommandMs: 5 * minute,
  connectorListingEntries: 10_000,
  /** Items of one call of DynamoDB, as the service has it. */
  dynamoBatchReads: 100,
  dynamoBatchWrites: 25,
  dynamoTransactionItems: 100,
  /** How often a transaction that another one was faster than is tried again. */
  dynamoTransactionTries: 10,
  /** How long a session or an upload that nobody ended is kept behind its time, so that its end can be recorded. */
  expiredRecordMs: 7 * 24 * 60 * minute,
  /** How often what DynamoDB had no room for is asked again; the pauses between double. */
  dynamoBatchTries: 8,
  dynamoBatchRetryMs: 50,

  /** Parts of a multipart upload: at most so many, the first ones so large; see adapters/aws/s3-part-sizes.ts. */
  storeParts: 10_000,
  storePartBytes: 8 * MiB,
  storeFirstParts: 8,
  /** S3 takes no smaller part but as the last. */
  storeSmallestPartBytes: 5 * MiB,
  /** Holds the beginning of every upload. A file that fits costs no more memory than this. */
  storeFirstBufferBytes: 1 * MiB,
  /** Memory for what all uploads of a process hold between client and store; a quarter of it is for first buffers. */
  storeUploadMemoryBytes: 256 * MiB,
  /** Written to a connection at a time. */
  storeSendBytes: 256 * KiB,
  /** Parts of one upload on their way at the same time. */
  storePartsAtOnce: 4,
  /** Memory for reading ahead; without it, reads ask the store for what they need and no more. */
  storeReadMemoryBytes: 256 * MiB,
  /** What the request that opens a file brings along. */
  storeFirstReadBytes: 256 * KiB,
  storeReadBytes: 8 * MiB,
  /** Blocks that one download reads ahead, besides the one it is at. */
  storeBlocksAhead: 1,
  /** How often the rest of a block is asked for after its connection broke. */
  storeReadAttempts: 4,
  /** S3 copies objects up to this size in one request, larger ones in parts. */
  storeCopyBytes: 5 * GiB,
  storeCopyPartBytes: 1 * GiB,
  storeCopiesAtOnce: 8,
  /** How long a request whose answer was lost may still take effect. */
  storeSettleMs: 1 * minute,
  /** How long the outcome of an upload stays on record. */
  storeOutcomeMs: 7 * 24 * 60 * minute,
  /** How long an operation waits for another that has the same name. */
  storeNameWaitMs: 30 * second,
  storeNameRetryMs: 50,
  /** A rename this young is left to whoever began it, alive or not. */
  storeMoveRestMs: 10 * second,
  /** Versions of one object that are searched for that of an upload. */
  storeVersions: 100,
  /** How long it counts what S3 said of a name: that it is a folder, or that none has it. And of how many names. */
  storeRecentMs: 2 * second,
  storeRecentNames: 20_000,
  /** JSON of the events in one answer of the stream behind API Gateway; within JSON it may take twice as much. */
  gatewayStreamBytes: 2 * MiB,
  /** API Gateway waits for an answer 30 seconds. */
  gatewayStreamMs: 20 * second,
  /** How often it is looked whether a task has transfers under way, and for how long ECS is asked to leave it alone. */
  taskProtectionCheckMs: 15 * second,
  taskProtectionMs: 10 * minute,
  /** How long a task is free to be ended that was protected as long as it may be. */
  taskProtectionRestMs: 5 * minute,
  longestTaskProtectionMinutes: 120,
} as const;
