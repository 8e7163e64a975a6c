import { CLASS_NAMES } from '../memory/classes.ts'
import { textLeaf } from './leaf.ts'
import { choice, keys, NAME_LENGTH, name } from './names.ts'
import { readRouteHost, readRoutePath } from './route-texts.ts'
import { subsetSchema } from './safety-schema.ts'

export const routeSchema = keys({
  match: keys({
    host: textLeaf({ what: 'a host', wish: 'write a host name such as api.example.com', read: readRouteHost })
      .optional()
      .describe('Host of the request, without port; compared without regard to case. Default: any.'),
    path: textLeaf({ what: 'a path', wish: 'write a path such as /v1/', pattern: '^/', read: readRoutePath })
      .optional()
      .describe('What the path of the request begins with. Default: any.'),
  })
    .prefault({})
    .describe('Which requests the route takes. Default: all.'),
  service: name('a service name', NAME_LENGTH).describe('The service that answers. Required.'),
  subset: subsetSchema.describe('Metadata that endpoints must have to answer here. Default: any endpoint.'),
  subsetFallback: choice('a fallback', ['none', 'any'])
    .prefault('none')
    .describe('Who answers where no endpoint has the metadata: none, or any of the service. Default none.'),
  class: choice('a class', CLASS_NAMES)
    .prefault('critical')
    .describe(
      'How dear the requests are: sheddable ones are turned away first when there is too much. Default critical.',
    ),
})
