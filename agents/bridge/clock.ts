/** Time as the bridge reads it: monotonic, in ms; a test puts another in its place. */
export type Monotonic = () => number

export const monotonic: Monotonic = () => performance.now()
