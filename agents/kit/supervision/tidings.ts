import type { Log } from '../../../engine/writer.ts'
import type { Tidings } from './supervision.ts'

/** Says in the log what became of a thread or a group; `label` is how it is known there. */
export function tellTidings(tidings: Tidings, label: string, log: Log): void {
  switch (tidings.what) {
    case 'restart':
      log('warn', `${label} is restarted`, { reason: tidings.reason, delayMs: Math.round(tidings.delayMs) })
      break
    case 'renewal':
      log('info', `${label} is started anew`, { reason: tidings.reason })
      break
    case 'stays-down':
      log(tidings.isFault ? 'error' : 'info', `${label} has ended and stays down: ${tidings.reason}`)
      break
    case 'late-stop':
      log('warn', `${label} did not stop in ${tidings.stopMsMax} ms and was ended`)
      break
    case 'tried-again':
      log('info', `${nameOf(label)} is tried again`)
      break
    case 'gave-up': {
      const { reason, restMs } = tidings
      if (restMs === undefined) log('error', `${nameOf(label)} keeps failing and is given up`, { reason })
      else {
        const rest = `rests for ${Math.round(restMs / 1000)} s`
        log('fatal', `${nameOf(label)} keeps failing and ${rest}; routing goes on with the last tables`, { reason })
      }
    }
  }
}

function nameOf(label: string): string {
  return label === 'root' ? 'the control plane' : label
}
