import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'

/** Between two looks, in ms. A look at a file that has not changed is one system call. */
const LOOK_MS = 250

/** So many looks in a row that find nothing new say that who writes has finished: an editor writes in pieces. */
const LOOKS_QUIET = 2

/**
 * Calls back when the content of a file has become another. It looks at the file by its name now and then instead of asking the
 * system to tell: editors put a new file in the place of the old one, Kubernetes swaps a symbolic link above it, network file
 * systems tell nothing; a name that leads to other content is all these have in common. Does not keep the process alive.
 *
 *   stat ─ same ─▶ nothing          a file that is gone for a moment, or touched, or written with what it said before,
 *    └── other ─▶ wait until it stays ─▶ read ─ same content ─▶ nothing      has not changed
 *                                          └── other ─▶ onChange
 *
 * Returns the way to end it.
 */
export async function watchFile(file: string, onChange: () => void, lookMs = LOOK_MS): Promise<() => void> {
  let content = await contentOf(file)
  let seen = await stampOf(file)
  let quiet = LOOKS_QUIET
  let isOver = false
  const look = async (): Promise<void> => {
    const stamp = await stampOf(file)
    if (stamp !== seen) {
      seen = stamp
      quiet = 0
    } else if (quiet < LOOKS_QUIET && ++quiet === LOOKS_QUIET) {
      const next = await contentOf(file)
      // It was changed while it was read: the next looks find that out.
      const isWhole = next !== undefined && (await stampOf(file)) === stamp
      if (isWhole && next !== content && !isOver) {
        content = next
        onChange()
      }
    }
    if (!isOver) again()
  }
  let timer: NodeJS.Timeout
  const again = (): void => {
    timer = setTimeout(() => void look(), lookMs)
    timer.unref()
  }
  again()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/** What tells one state of a file from another without reading it; empty while there is none. */
async function stampOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch {
    return ''
  }
}

/** Undefined where it cannot be read. */
async function contentOf(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
  } catch {
    return undefined
  }
}
