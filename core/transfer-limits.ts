const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const second = 1000;
const minute = 60 * second;

/** What pushes to other sites and pulls from them are bounded by. */
export const transferLimits = {
  destinations: 200,
  pulls: 200,
  hostKeysPerDestination: 10,
  fingerprintsPerDestination: 10,
  /** Transfers with one destination at the same time. */
  destinationConcurrency: 16,
  destinationDefaultConcurrency: 2,
  destinationBytesPerSecond: 100 * GiB,
  destinationTimeoutMs: 30 * second,
  destinationLongestTimeoutMs: 10 * minute,
  /** How often a push is tried; the pauses double from consumerRetryMs to pushLongestRetryMs. */
  pushTries: 12,
  mostPushTries: 100,
  pushLongestRetryMs: 5 * minute,
  /** The longest that a site may ask a push to wait (Retry-After of HTTP). */
  pushLongestWaitMs: 60 * minute,
  /** What is read back of the end of a file that is to be gone on with. */
  resumeCheckBytes: 64 * KiB,
  /** A connection to a destination that nothing needs is kept so long for the next transfer. */
  siteIdleMs: 5 * second,
  /** How often lanes that have nothing to do look whether that has changed. */
  pushReviewMs: 5 * second,
  /** How long pushes and pulls under way have to end when the server stops. */
  remoteDrainMs: 3 * second,
  /** Entries of a folder at a site, and what its listing may take as text. */
  remoteEntries: 200_000,
  remoteListingBytes: 64 * MiB,
  /** How long a file at a site has to stay as it is before it is fetched. */
  pullStableMs: 10 * second,
  pullLongestStableMs: 60 * minute,
  cronLength: 100,
  /** How often it is looked whether a pull is due, so how late it may begin. */
  pullCheckMs: 1 * second,
  /** How long it is remembered that a pull is to look, where no process is there that could look at once. */
  pullAskMs: 24 * 60 * minute,
  /** How often such a process, while it works, tells how its transfers stand, and how long that counts. */
  standingTellMs: 2 * second,
  standingHoldsMs: 30 * second,
  /** How often a download is gone on with whose connection was lost, before the next look of the pull. */
  pullReconnects: 3,
  /** Names that are asked about at a time. */
  pullMemoryPage: 1000,
  /** Files that an event about a pull lists. */
  pullFailuresListed: 20,
  /** How often it is put on record that a pull still fails. */
  pullReminderMs: 6 * 60 * minute,
} as const;
