/**
 * The dashboard: reads the live feed and writes it into the page. What comes from the engine becomes text nodes and
 * attributes only, never markup. No dependency, so that it works offline and under a strict policy.
 */
import { readEvents, TOKEN_KEY, tokenHeader } from './events.js'
import { hear } from './heard.js'

/** 60 s at two snapshots a second. */
const POINTS = 120
/** Rates are taken over 2 s: over one snapshot alone they would jump. */
const RATE_SPAN = 4
const CHANGES_MAX = 40
/** Snapshots come every half second, or a comment where they are large; after this long without either the feed is called lost. */
const SILENCE_MS = 4_000
/** Half as long up to half as long again, so that all who look do not come back at one moment. */
const RETRY_MS = 1_500
const SVG = 'http://www.w3.org/2000/svg'

const byId = id => document.getElementById(id)

/* --- the feed ------------------------------------------------------------------------------------------------- */

/** Follows the feed for ever. */
async function follow() {
  for (;;) {
    try {
      await readFeed()
    } catch {
      // Told by the badge below.
    }
    showLink('lost', 'connection lost, retrying')
    await new Promise(resolve => setTimeout(resolve, RETRY_MS * (0.5 + Math.random())))
  }
}

async function readFeed() {
  const hadToken = sessionStorage.getItem(TOKEN_KEY) !== null
  // Several at once: the page was asleep, but each is a point of the lines.
  const status = await readEvents('api/v1/live', SILENCE_MS, onSnapshot)
  if (status === 200) return
  if (status !== 401) throw new Error(`the feed answered ${status}`)
  sessionStorage.removeItem(TOKEN_KEY)
  await askForToken(hadToken ? 'That was not the token.' : '')
  await readFeed()
}

function askForToken(fault) {
  const form = byId('ask')
  const input = byId('token')
  byId('main').hidden = true
  form.hidden = false
  byId('ask-fault').textContent = fault
  showLink('waiting', 'waiting for the token')
  input.focus()
  return new Promise(resolve => {
    form.addEventListener(
      'submit',
      event => {
        event.preventDefault()
        sessionStorage.setItem(TOKEN_KEY, input.value.trim())
        input.value = ''
        form.hidden = true
        byId('main').hidden = false
        resolve()
      },
      { once: true },
    )
  })
}

function showLink(state, text) {
  document.body.dataset.state = state
  byId('link').dataset.state = state
  write(byId('link'), text)
}

/* --- one snapshot --------------------------------------------------------------------------------------------- */

const cards = new Map()
const agentRows = new Map()
const threadRows = new Map()
let lastUptime = 0
let lastTime = 0
let pointsNow = 1
let isHearing = false

function onSnapshot(snapshot) {
  // Another process answers: its counts began anew.
  if (snapshot.uptimeMs < lastUptime)
    for (const card of cards.values()) for (const row of card.rows.values()) row.forget()
  lastUptime = snapshot.uptimeMs
  const halfSeconds = Math.round((snapshot.time - lastTime) / 500)
  pointsNow = lastTime === 0 ? 1 : Math.min(POINTS, Math.max(1, halfSeconds))
  lastTime = snapshot.time
  showLink('live', snapshot.isReady ? 'live' : 'live, not taking requests')
  if (byId('waiting') !== null) byId('waiting').remove()
  byId('lower').hidden = false

  keep(cards, snapshot.services, ({ service }) => service, newCard, byId('services'))
  const sums = snapshot.services.map(service => cards.get(service.service).show(service, snapshot.time))
  const sum = name => sums.reduce((total, each) => total + each[name], 0)
  write(byId('total-requests'), rate(sum('requests')))
  write(byId('total-errors'), rate(sum('errors')))
  byId('total-errors').classList.toggle('has-errors', sum('errors') >= 0.05)
  write(byId('total-inflight'), count(sum('inflight')))
  write(byId('total-open'), `${sum('open')} of ${sum('endpoints')}`)
  write(byId('uptime'), duration(snapshot.uptimeMs))
  write(byId('version'), `signalbox ${snapshot.version}`)
  showConfig(snapshot.config)

  if (!isHearing && snapshot.agents.length > 0) {
    isHearing = true
    void hear(tell)
  }
  byId('no-agents').hidden = snapshot.agents.length > 0
  byId('agents').hidden = snapshot.agents.length === 0
  keep(agentRows, snapshot.agents, ({ name }) => name, newAgentRow, byId('agents').tBodies[0])
  for (const agent of snapshot.agents) agentRows.get(agent.name).show(agent, snapshot.time)

  const threads = snapshot.proxy?.threads ?? []
  byId('proxy').hidden = threads.length === 0
  keep(threadRows, threads, ({ index }) => index, newThreadRow, byId('threads').tBodies[0])
  for (const thread of threads) threadRows.get(thread.index).show(thread, snapshot.time)
}

let lastGeneration

/** Which config is in force. Why the last one was refused is told to who asked for it, and in the log. */
function showConfig({ generation, sinceMs, isLastReloadGood, lastReloadMs, file }) {
  write(byId('config'), isLastReloadGood ? `no. ${generation}` : `no. ${generation}, kept`)
  byId('config').classList.toggle('has-errors', !isLastReloadGood)
  const from = file === null ? 'given by the program' : `from ${file}`
  const refused = isLastReloadGood ? '' : ` · one that was read ${moment(lastReloadMs)} was refused: the log says why`
  write(byId('config-note'), `config no. ${generation} ${from}, in force since ${moment(sinceMs)}${refused}`)
  if (lastGeneration !== undefined && generation > lastGeneration) tell(sinceMs, `config no. ${generation}`, 'in force')
  lastGeneration = generation
}

/** Makes `known` hold one view per member of `list`, in its order, and its elements the children of `parent`. */
function keep(known, list, keyOf, create, parent) {
  const keys = new Set(list.map(keyOf))
  for (const [key, view] of known) {
    if (keys.has(key)) continue
    view.element.remove()
    view.gone?.()
    known.delete(key)
  }
  list.forEach((member, at) => {
    const key = keyOf(member)
    if (!known.has(key)) known.set(key, create(key))
    const { element } = known.get(key)
    if (parent.children[at] !== element) parent.insertBefore(element, parent.children[at] ?? null)
  })
}

/* --- a service ------------------------------------------------------------------------------------------------ */

const COLUMNS = [
  ['State', 'state'],
  ['Endpoint', 'id'],
  ['Zone', 'zone'],
  ['Weight', 'weight'],
  ['In flight', 'number flight'],
  ['Requests/s', 'number rate'],
  ['last 60 s', 'spark'],
  ['Errors/s', 'number rate'],
  ['Latency', 'number rate'],
  ['last 60 s', 'spark'],
  ['Why', 'why'],
]

function newCard(name) {
  const rows = new Map()
  const policy = make('span', 'policy')
  const panic = make('span', 'panic', 'panic: health is ignored')
  const sum = make('span', 'sum')
  const title = make('h2', '', name)
  title.id = `service-${name}`
  const head = make('div', 'service-head')
  head.append(title, policy, panic, sum)
  const body = make('tbody')
  const none = make('p', 'empty', 'No endpoint yet.')
  const table = make('table', 'endpoints')
  const titles = COLUMNS.map(([text, className]) => {
    const cell = make('th', className, text)
    cell.scope = 'col'
    return role(cell, 'columnheader')
  })
  // Read aloud, a header that says "last 60 s" has to say of what.
  titles[6].setAttribute('aria-label', 'Requests per second, last 60 s')
  titles[9].setAttribute('aria-label', 'Latency, last 60 s')
  const headRow = role(make('tr'), 'row')
  headRow.append(...titles)
  const tableHead = role(make('thead'), 'rowgroup')
  tableHead.append(headRow)
  table.append(tableHead, role(body, 'rowgroup'))
  role(table, 'table').setAttribute('aria-labelledby', title.id)
  const element = make('article', 'card')
  element.append(head, table, none)
  let hadPanic

  return {
    element,
    rows,
    gone: () => tell(Date.now(), name, 'service removed'),
    show(report, time) {
      write(policy, report.policy)
      panic.hidden = !report.hasPanic
      if (hadPanic !== undefined && hadPanic !== report.hasPanic) {
        tell(time, name, report.hasPanic ? 'panic: health is ignored' : 'panic is over')
      }
      hadPanic = report.hasPanic
      none.hidden = report.endpoints.length > 0
      table.hidden = report.endpoints.length === 0
      keep(
        rows,
        report.endpoints,
        ({ id }) => id,
        id => newEndpointRow(name, id),
        body,
      )
      const weightMost = Math.max(
        ...report.endpoints.map(({ effectiveWeight, weight }) => Math.max(effectiveWeight, weight)),
        0,
      )
      const shown = report.endpoints.map(endpoint => rows.get(endpoint.id).show(endpoint, time, weightMost))
      // One scale for all lines of a service, so that they compare.
      const latencyMost = Math.max(...shown.map(({ latencyMost }) => latencyMost), 1)
      const requestsMost = Math.max(...shown.map(({ requestsMost }) => requestsMost), 1)
      for (const { id } of report.endpoints) rows.get(id).draw(latencyMost, requestsMost)
      const total = {
        requests: shown.reduce((all, { requests }) => all + requests, 0),
        errors: shown.reduce((all, { errors }) => all + errors, 0),
        inflight: report.endpoints.reduce((all, { inflight }) => all + inflight, 0),
        open: report.endpoints.filter(({ isPickable }) => isPickable).length,
        endpoints: report.endpoints.length,
      }
      write(sum, `${total.open} of ${total.endpoints} open, ${rate(total.requests)} requests/s`)
      return total
    },
  }
}

/* --- an endpoint ---------------------------------------------------------------------------------------------- */

/** Rows that cannot be seen are not drawn: with hundreds of endpoints the lines would be the page's whole work. */
const inView = new WeakSet()
const watcher = new IntersectionObserver(
  entries => {
    for (const { target, isIntersecting } of entries) isIntersecting ? inView.add(target) : inView.delete(target)
  },
  { rootMargin: '200px' },
)

function newEndpointRow(service, id) {
  const element = role(make('tr'), 'row')
  const semaphore = newSemaphore()
  const word = make('span')
  const state = make('span', 'state-cell')
  state.append(semaphore, word)
  const bar = make('i')
  const rail = make('span', 'bar')
  rail.append(bar)
  const weight = make('span')
  const weightCell = make('span', 'weight-cell')
  weightCell.append(rail, weight)
  const requestsLine = newSparkline('requests')
  const latencyLine = newSparkline('latency')
  const text = {
    zone: new Text(),
    inflight: new Text(),
    requests: new Text(),
    errors: new Text(),
    latency: new Text(),
    why: new Text(),
  }
  const contents = [
    state,
    new Text(id),
    text.zone,
    weightCell,
    text.inflight,
    text.requests,
    requestsLine.element,
    text.errors,
    text.latency,
    latencyLine.element,
    text.why,
  ]
  const labels = [
    '',
    '',
    '',
    'Weight',
    'In flight',
    'Requests/s',
    'Requests, last 60 s',
    'Errors/s',
    'Latency',
    'Latency, last 60 s',
    '',
  ]
  const cells = COLUMNS.map(([, className], at) => {
    const cell = role(make('td', className), 'cell')
    if (labels[at] !== '') cell.dataset.label = labels[at]
    cell.append(contents[at])
    return cell
  })
  element.append(...cells)
  element.dataset.endpoint = id
  watcher.observe(element)

  const history = []
  const latencies = []
  const requests = []
  let signal
  return {
    element,
    forget: () => history.splice(0),
    gone() {
      watcher.unobserve(element)
      tell(Date.now(), `${service} / ${id}`, 'removed')
    },
    show(report, time, weightMost) {
      const [aspect, name] = aspectOf(report)
      if (signal !== undefined && signal !== name) tell(time, `${service} / ${id}`, name, report.why)
      signal = name
      state.dataset.signal = aspect
      write(word, name)
      if (text.zone.data !== report.zone) text.zone.data = report.zone
      cells[1].title = report.url
      bar.style.transform = `scaleX(${weightMost === 0 ? 0 : Math.min(1, report.effectiveWeight / weightMost)})`
      write(weight, decimal(report.effectiveWeight))
      put(text.inflight, count(report.inflight))

      const { picked, error, timeout } = report.totals
      history.push({ time, picked, failed: error + timeout })
      if (history.length > RATE_SPAN + 1) history.shift()
      const first = history[0]
      const seconds = (time - first.time) / 1000
      const perSecond = grown => (seconds > 0 ? Math.max(0, grown) / seconds : 0)
      const rates = { requests: perSecond(picked - first.picked), errors: perSecond(error + timeout - first.failed) }
      put(text.requests, rate(rates.requests))
      put(text.errors, rate(rates.errors))
      cells[7].classList.toggle('has-errors', rates.errors >= 0.05)
      put(text.latency, report.latencyUs === 0 ? '–' : milliseconds(report.latencyUs))
      put(
        text.why,
        report.ejectedForMs > 0 ? `${report.why}, for ${Math.ceil(report.ejectedForMs / 1000)} s more` : report.why,
      )

      push(latencies, report.latencyUs)
      // The first snapshot has counts, no rate yet.
      if (seconds > 0) push(requests, rates.requests)
      return { ...rates, latencyMost: Math.max(...latencies), requestsMost: Math.max(...requests, 0) }
    },
    draw(latencyMost, requestsMost) {
      if (!inView.has(element)) return
      latencyLine.draw(latencies, latencyMost)
      requestsLine.draw(requests, requestsMost)
    },
  }
}

/** What the semaphore shows: the aspect for the colour and the arm, and the word that says the same. */
function aspectOf({ bars, isPickable, effectiveWeight, weight, factor, health }) {
  if (!isPickable) {
    if (bars.length > 0) return [bars[0] === 'draining' ? 'caution' : 'stop', bars[0]]
    return ['stop', 'no weight']
  }
  if (bars.length > 0) return ['caution', `${bars[0]}, in use`]
  if (health === 'degraded') return ['caution', 'degraded']
  // Eased in, or judged slow: less than its share for a while.
  return factor < 0.995 && effectiveWeight < weight ? ['caution', 'reduced'] : ['clear', 'open']
}

function newSemaphore() {
  const svg = shape('svg', { class: 'semaphore', viewBox: '0 0 24 26', 'aria-hidden': 'true' })
  svg.append(
    shape('rect', { class: 'post', x: '4.8', y: '4', width: '2.4', height: '21', rx: '1.2' }),
    shape('rect', { class: 'arm', x: '4', y: '6.5', width: '18', height: '5', rx: '1.2' }),
    shape('circle', { class: 'post', cx: '6', cy: '9', r: '1.6' }),
  )
  return svg
}

/** A line over the last 60 s; the newest point is at the right end, and what was before the page opened is empty. */
function newSparkline(className) {
  const svg = shape('svg', {
    class: `sparkline ${className}`,
    viewBox: `0 0 ${POINTS - 1} 28`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  })
  const line = shape('path', {})
  svg.append(shape('path', { class: 'floor', d: `M0 27H${POINTS - 1}` }), line)
  return {
    element: svg,
    draw(values, most) {
      const from = POINTS - values.length
      const points = values.map((value, at) => `${from + at} ${(26 - (value / most) * 24).toFixed(1)}`)
      line.setAttribute('d', points.length > 1 ? `M${points.join('L')}` : '')
    },
  }
}

/* --- agents, threads, changes --------------------------------------------------------------------------------- */

const AGENT_ASPECTS = { running: 'clear', starting: 'caution', restarting: 'caution', stopped: 'stop', failed: 'stop' }

function newAgentRow(name) {
  const { element, cells } = newPlainRow(['wide', 'word', 'number', 'number', 'number', 'number'])
  const note = make('span', 'note')
  cells[0].append(newAgentName(name), note)
  let before
  return {
    element,
    show({ state, isEnabled, incarnation, restarts, handled, dropped, heartbeatAgeMs, lastError }, time) {
      if (before !== undefined && before !== state) tell(time, `agent ${name}`, state, lastError ?? '')
      before = state
      write(note, lastError ?? '')
      cells[1].dataset.signal = isEnabled ? (AGENT_ASPECTS[state] ?? 'caution') : 'caution'
      write(cells[1], isEnabled ? state : `${state}, switched off`)
      write(cells[2], count(incarnation))
      cells[2].title = `${restarts} restarts`
      write(cells[3], count(handled))
      write(cells[4], count(dropped))
      write(cells[5], heartbeatAgeMs < 1000 ? '< 1 s' : duration(heartbeatAgeMs))
    },
  }
}

/* What one agent is made of and knows, below the table of all, asked for while somebody looks at it. */
const PARTS = ['skills', 'sensors', 'actions', 'listens', 'emits', 'writes']
const LOOK_AGAIN_MS = 5000
let shownAgent = ''
let lookTimer

function newAgentName(name) {
  const element = make('button', 'name', name)
  element.type = 'button'
  element.setAttribute('aria-controls', 'agent-parts')
  element.addEventListener('click', () => {
    shownAgent = shownAgent === name ? '' : name
    void lookAtAgent(name)
  })
  return element
}

async function lookAtAgent(name) {
  clearTimeout(lookTimer)
  byId('agent-parts').hidden = shownAgent === ''
  if (shownAgent !== name) return
  const { report } = await ask(`api/v1/agents/${encodeURIComponent(name)}`).catch(() => ({}))
  if (shownAgent !== name) return
  lookTimer = setTimeout(() => void lookAtAgent(name), LOOK_AGAIN_MS)
  byId('agent-parts').replaceChildren(...[['agent', name], ...factsOf(report)].flatMap(newFact))
}

function factsOf(report) {
  if (report == null) return [['health', 'nothing was reported yet']]
  const { healthStatus, madeOf, localState } = report
  const facts = [['health', [healthStatus.health, ...healthStatus.reasons].join(', ')]]
  for (const part of PARTS) if (madeOf[part].length > 0) facts.push([part, madeOf[part].join(' · ')])
  if (localState !== null) facts.push(['knows', asWritten(JSON.stringify(localState, null, 1))])
  return facts
}

function newFact([word, content]) {
  const value = make('dd')
  value.append(content)
  return [make('dt', '', word), value]
}

function asWritten(text) {
  const element = make('pre')
  element.append(text)
  return element
}

async function ask(path) {
  const answer = await fetch(path, { headers: tokenHeader(), cache: 'no-store' })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`)
  return answer.json()
}

function newThreadRow(thread) {
  const { element, cells } = newPlainRow(['wide', 'word', 'number', 'number'])
  cells[0].append(String(thread))
  const history = []
  return {
    element,
    show({ state, responses, openConnections }, time) {
      const requests = Object.values(responses).reduce((sum, each) => sum + each, 0)
      history.push({ time, requests })
      if (history.length > RATE_SPAN + 1) history.shift()
      const first = history[0]
      write(cells[1], state)
      write(
        cells[2],
        rate(time > first.time ? (Math.max(0, requests - first.requests) * 1000) / (time - first.time) : 0),
      )
      write(cells[3], count(openConnections))
    },
  }
}

function newPlainRow(classNames) {
  const element = role(make('tr'), 'row')
  const cells = classNames.map(className => role(make('td', className), 'cell'))
  element.append(...cells)
  return { element, cells }
}

/** Notes a change of state, newest first; screen readers are told. */
function tell(time, who, what, why = '') {
  const stamp = make('time', '', new Date(time).toLocaleTimeString())
  stamp.dateTime = new Date(time).toISOString()
  const text = make('span')
  text.append(make('b', '', who), why === '' || why.endsWith(what) ? ` is ${what}` : ` is ${what} (${why})`)
  const line = make('li')
  line.append(stamp, text)
  byId('changes').prepend(line)
  byId('no-changes').hidden = true
  while (byId('changes').children.length > CHANGES_MAX) byId('changes').lastChild.remove()
}

/* --- small words ---------------------------------------------------------------------------------------------- */

function make(tag, className = '', text = '') {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  if (text !== '') element.textContent = text
  return element
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  return element
}

/** Laid out as a grid on a phone, a table would lose its meaning for screen readers without these. */
function role(element, name) {
  element.setAttribute('role', name)
  return element
}

/** Writes only what is new, so that nothing is laid out or announced again for nothing. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

function put(node, text) {
  if (node.data !== text) node.data = text
}

/** A point for each half second since the snapshot before. */
function push(values, value) {
  for (let point = 0; point < pointsNow; point++) values.push(value)
  if (values.length > POINTS) values.splice(0, values.length - POINTS)
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const count = value => whole.format(value)
const rate = value => (value >= 100 ? whole.format(value) : tenths.format(value))
const decimal = value => (value >= 100 || Number.isInteger(value) ? whole.format(value) : value.toFixed(2))

function milliseconds(us) {
  const ms = us / 1000
  return `${ms >= 100 ? whole.format(ms) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`
}

const moment = ms => new Date(ms).toLocaleString()

function duration(ms) {
  const s = Math.floor(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`
}

follow()
