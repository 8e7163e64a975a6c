/** Somebody else's way to choose among endpoints. */
export interface Peer {
  readonly name: string
  /** Undefined where its package is not installed. */
  begin(endpoints: number): Promise<Choosing | undefined>
}

/** It at work, among so many endpoints that all can be chosen. */
export interface Choosing {
  /** Chooses so many times, and nothing else: each peer has a loop of its own, so that V8 compiles it for that peer alone. */
  batch(times: number): void
  /** One choice, for a key where it goes by keys: the number of the endpoint, from 0. */
  choose(key: number): number
  close(): Promise<void>
}

/** Where the i-th endpoint would be. Nobody is asked there. */
export const originOf = (i: number): string => `http://127.0.0.1:${1024 + i}`
