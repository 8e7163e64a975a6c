import { parentPort } from 'node:worker_threads'

/** Sends back what it is sent: the least that anything between two threads can take. */
parentPort?.on('message', message => parentPort?.postMessage(message))
