/** A bucket of tokens: full at first, and filled again at its rate up to its burst. */
export interface Bucket {
  /** The same key is the same bucket. */
  key: string
  perMinute: number
  burst: number
}

/** What came of a draw, told of the bucket that was empty, or of the first where all had a token. */
export interface Drawn {
  allowed: boolean
  /** Place of that bucket among those that were asked for. */
  place: number
  /** Whole requests that may follow at once. */
  remaining: number
  /** Milliseconds until one more than `remaining` may follow; 0 when the bucket is full. */
  waitMs: number
}

/**
 * Where buckets are kept. Several sidecars share a rate where they share a store: one call is one atomic step there (a script in Redis, a
 * function in a database), and the store's own clock counts. A store that cannot answer rejects, and the request is refused.
 */
export interface BucketStore {
  /** Takes one token from each bucket, or none from any when one of them is empty. */
  draw (buckets: readonly Bucket[]): Drawn | Promise<Drawn>
}
