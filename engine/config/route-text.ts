import type { AnsweringRoute, FieldMatch, RouteConfig, RouteMatch } from './schema.ts'
import { printRatio } from './units.ts'
import { printable } from './wording.ts'

/** A route in one line, for people: what it takes, and where that leads. */
export function routeText(route: RouteConfig): string {
  return printable(`${matchText(route.match)} → ${[leadText(route), ...changeTexts(route)].join(', ')}`)
}

function matchText({ host, path, exactPath, pathPattern, scheme, method, headers = {} }: RouteMatch): string {
  const where = [host, path === undefined ? undefined : `${path}…`, exactPath, pathPattern].filter(
    part => part !== undefined,
  )
  const texts = [where.join(' '), scheme ?? '', method?.join('|') ?? '', ...Object.entries(headers).map(fieldText)]
  return texts.filter(text => text !== '').join(', ') || 'everything'
}

function fieldText([name, wanted]: [string, FieldMatch]): string {
  if (typeof wanted === 'boolean') return wanted ? name : `no ${name}`
  return typeof wanted === 'string' ? `${name}: ${wanted}` : `${name}: ${wanted.prefix}…`
}

function leadText({ service, split, redirect, respond }: RouteConfig): string {
  if (redirect !== undefined) return `redirect ${redirect.status} to ${redirectText(redirect)}`
  if (respond !== undefined) return `respond ${respond.status}`
  if (split === undefined) return service as string
  const sides = Object.entries(split).map(([name, weight]) => `${name} ${weight}`)
  return `split ${sides.join(', ')}`
}

function redirectText({ scheme, host, port, path, prefix }: NonNullable<AnsweringRoute['redirect']>): string {
  const hasOrigin = scheme !== undefined || host !== undefined || port !== undefined
  const origin = hasOrigin ? `${scheme ?? '*'}://${host ?? '*'}${port === undefined ? '' : `:${port}`}` : ''
  return origin + (path ?? (prefix === undefined ? '/…' : `${prefix}…`))
}

function changeTexts(route: RouteConfig): string[] {
  if (!('class' in route)) return []
  const { subset, rewrite, requestHeaders, responseHeaders, mirror } = route
  const texts: string[] = []
  if (subset !== undefined)
    texts.push(
      `where ${Object.entries(subset)
        .map(([key, text]) => `${key} is ${text}`)
        .join(' and ')}`,
    )
  if (route.class !== 'critical') texts.push(route.class)
  if (rewrite !== undefined) {
    const path = rewrite.path ?? (rewrite.prefix === undefined ? undefined : `${rewrite.prefix}…`)
    texts.push(`as ${[rewrite.host, path].filter(part => part !== undefined).join(' ')}`)
  }
  const edited = [requestHeaders && 'request', responseHeaders && 'response'].filter(Boolean)
  if (edited.length > 0) texts.push(`${edited.join(' and ')} headers changed`)
  if (mirror !== undefined) texts.push(`${printRatio(mirror.share)} copied to ${mirror.service}`)
  return texts
}
