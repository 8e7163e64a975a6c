import { readdirSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** What this process uses, and may use, at one moment. */
export interface ProcessUse {
  /** CPU time of all threads since the start of the process, in µs. */
  readonly cpuUs: number
  readonly cores: number
  readonly rssBytes: number
  /** What the system lets it have, by a cgroup or at all. */
  readonly memoryBytesMax: number
  /** Of the thread that asks: no thread sees the heap of another. */
  readonly heapBytes: number
  /** Files and sockets that are open; 0: this system does not say. */
  readonly files: number
  /** How many may be; 0: this system does not say. */
  readonly filesMax: number
}

/** Where agents learn how the process is doing that they are part of. In virtual time a test says so, or nobody does. */
export interface Machine {
  use(): ProcessUse
}

const FILES = '/proc/self/fd'

/** The machine this runs on. A look takes some tens of µs. */
export const thisMachine: Machine = {
  use() {
    const { user, system } = process.cpuUsage()
    return {
      cpuUs: user + system,
      cores: availableParallelism(),
      rssBytes: process.memoryUsage.rss(),
      memoryBytesMax: memoryBytesMax(),
      heapBytes: getHeapStatistics().used_heap_size,
      files: countFiles(),
      filesMax: (filesMax ??= readFilesMax()),
    }
  },
}

/** Node names the limit of the cgroup, and a number beyond all memory, or 0, where there is none. */
function memoryBytesMax(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

/** The size of the folder is how many there are, since Linux 6.2; before that it is 0, and they are counted. */
function countFiles(): number {
  try {
    return statSync(FILES).size || readdirSync(FILES).length
  } catch {
    return 0
  }
}

let filesMax: number | undefined

function readFilesMax(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
