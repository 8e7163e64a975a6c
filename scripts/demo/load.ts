import { Pool } from 'undici'

/** Requests per second of the demo's load: enough to see, too little to warm the room. */
const REQUESTS_PER_SECOND = 60
const TIMEOUT_MS = 10_000

/** A small steady load: one GET every few milliseconds, whatever became of the ones before. Counts what it gets. */
export function startLoad(
  origin: string,
  onFailure: (text: string) => void,
): { counts: LoadCounts; stop: () => Promise<void> } {
  const pool = new Pool(origin, { connections: 64 })
  const counts: LoadCounts = { sent: 0, ok: 0, failed: 0 }

  const one = async (): Promise<void> => {
    counts.sent++
    try {
      const { statusCode, headers, body } = await pool.request({
        method: 'GET',
        path: `/hello?n=${counts.sent}`,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      })
      await body.dump()
      if (statusCode === 200) counts.ok++
      else fail(`answered ${statusCode} ${String(headers['x-signalbox-reason'] ?? '')}`)
    } catch (error) {
      fail((error as Error).message)
    }
  }
  const fail = (text: string): void => {
    counts.failed++
    onFailure(`a request of the load failed: ${text}`)
  }

  const timer = setInterval(() => void one(), 1000 / REQUESTS_PER_SECOND)
  return {
    counts,
    stop: async () => {
      clearInterval(timer)
      // What is on its way may arrive; a request that hangs is cut by its own timeout.
      await pool.close()
    },
  }
}

export interface LoadCounts {
  sent: number
  ok: number
  failed: number
}
