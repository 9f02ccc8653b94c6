#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/openapi.json: its own rules, and whether answers of a server are as it says.

    openapi.py OPENAPI          check the document itself

For other tests: Document(path).check_answer(method, path, status, content_type, body).
"""
import json
import re
import sys

METHODS = ('get', 'put', 'post', 'delete', 'options', 'head', 'patch')
KEYWORDS = {'type', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'const', 'pattern', 'format', 'description',
            'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'oneOf', '$ref', 'example', 'examples', 'default',
            'contentMediaType', 'contentEncoding'}
TYPES = {'string': str, 'integer': int, 'number': (int, float), 'object': dict, 'array': list, 'boolean': bool, 'null': type(None)}
TIME = r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$'


class Document:
    def __init__(self, path):
        with open(path, encoding='utf-8') as f:
            self.doc = json.load(f, object_pairs_hook=self.no_doubles)
        # Longest first, so that /a/b wins over /a/{id}.
        self.templates = sorted(self.doc['paths'], key=lambda p: (p.count('{'), -len(p)))
        # What check_answer() has seen: (method, template) -> set of statuses.
        self.seen = {}

    @staticmethod
    def no_doubles(pairs):
        keys = [k for k, _ in pairs]
        assert len(keys) == len(set(keys)), 'a key stands twice: %r' % keys
        return dict(pairs)

    def resolve(self, value):
        while isinstance(value, dict) and '$ref' in value:
            where = value['$ref']
            assert where.startswith('#/'), where
            value = self.doc
            for part in where[2:].split('/'):
                assert part in value, 'there is no %s' % where
                value = value[part]
        return value

    def operations(self):
        for path, methods in self.doc['paths'].items():
            for method, operation in methods.items():
                yield method, path, operation

    def template_of(self, path):
        """The template that a request's path fits, or None."""
        path = path.split('?')[0]
        for t in self.templates:
            if re.fullmatch(re.sub(r'\\\{[^/]*\\\}', '[^/]+', re.escape(t)), path):
                return t
        return None

    def check(self, value, schema, where):
        """Stricter than validators: it knows no keyword more, and objects hold what is described and nothing else."""
        unknown = set(schema) - KEYWORDS
        assert not unknown, (where, unknown)
        if '$ref' in schema:
            return self.check(value, self.resolve(schema), where)
        if 'oneOf' in schema:
            whys = []
            for option in schema['oneOf']:
                try:
                    return self.check(value, option, where)
                except AssertionError as e:
                    whys.append(str(e))
            raise AssertionError((where, 'is none of oneOf', value, whys))
        if 'type' in schema:
            types = schema['type'] if isinstance(schema['type'], list) else [schema['type']]
            assert any(isinstance(value, TYPES[t]) and (t == 'boolean' or not isinstance(value, bool))
                       for t in types), (where, types, value)
        assert 'enum' not in schema or value in schema['enum'], (where, value)
        assert 'const' not in schema or value == schema['const'], (where, value)
        if isinstance(value, str):
            assert 'pattern' not in schema or re.search(schema['pattern'], value), (where, value)
            assert schema.get('format') != 'date-time' or re.match(TIME, value), (where, value)
            assert schema.get('minLength', 0) <= len(value.encode()) <= schema.get('maxLength', len(value.encode())), (where, value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            assert schema.get('minimum', value) <= value <= schema.get('maximum', value), (where, value)
        if isinstance(value, dict) and 'properties' in schema:
            required, more = set(schema.get('required', ())), set(value) - set(schema['properties'])
            assert required <= set(value), (where, 'misses', required - set(value))
            assert not more or schema.get('additionalProperties', True) is not False, (where, 'has besides', more)
            for k, v in value.items():
                if k in schema['properties']:
                    self.check(v, schema['properties'][k], where + '.' + k)
        if isinstance(value, dict) and isinstance(schema.get('additionalProperties'), dict):
            for k in set(value) - set(schema.get('properties', ())):
                self.check(value[k], schema['additionalProperties'], where + '.' + k)
        if isinstance(value, list) and 'items' in schema:
            for i, v in enumerate(value):
                self.check(v, schema['items'], '%s[%d]' % (where, i))
        return None

    def check_answer(self, method, path, status, content_type, body):
        """An answer of the API is one that the document describes. Returns its template; None for what is no part of the API
        (an address that does not exist, the console's files)."""
        template, method = self.template_of(path), method.lower()
        if template is None:
            return None
        methods = self.doc['paths'][template]
        if method == 'head' and 'head' not in methods and 'get' in methods:
            method, body = 'get', b''
        where = '%s %s -> %d' % (method.upper(), path, status)
        # What the server says before it knows the route.
        if method not in methods or status in (401, 405, 414, 421) or (status == 403 and '403' not in methods[method]['responses']):
            return template
        self.seen.setdefault((method, template), set()).add(status)
        response = self.resolve(methods[method]['responses'].get(str(status)))
        assert response, where + ' is not described'
        content = response.get('content')
        if status in (204, 304) or not content:
            assert not body, (where, 'has a body')
            return template
        kind = (content_type or '').split(';')[0]
        assert kind in content, (where, kind, list(content))
        if kind == 'application/json' and body:
            self.check(json.loads(body), content[kind].get('schema', {}), where)
        return template

    def samples(self, parameter):
        """Values of a query parameter that must be taken."""
        schema = self.resolve(parameter['schema'])
        if 'example' in parameter:
            return [parameter['example']]
        if 'enum' in schema:
            return schema['enum']
        if schema.get('type') == 'integer':
            return [schema[k] for k in ('minimum', 'maximum') if k in schema]
        assert False, 'parameter %s has neither example, enum nor bounds' % parameter['name']


class Rules:
    """What a good description has; collects what is wrong."""

    def __init__(self, document):
        self.d = document
        self.wrong = []
        self.used = set()

    def expect(self, good, *what):
        if not good:
            self.wrong.append(' '.join(str(w) for w in what))

    def schema(self, s, where):
        if not isinstance(s, dict):
            return self.expect(isinstance(s, bool), where, 'is no schema')
        self.expect(not set(s) - KEYWORDS, where, 'has unknown keywords', set(s) - KEYWORDS)
        if '$ref' in s:
            try:
                self.d.resolve(s)
            except AssertionError as e:
                return self.expect(False, where, e)
            return self.expect(len(set(s) - {'$ref', 'description'}) == 0, where, 'has keywords beside $ref')
        types = s.get('type', [])
        for t in types if isinstance(types, list) else [types]:
            self.expect(t in TYPES, where, 'has type', t)
        properties = s.get('properties', {})
        self.expect(set(s.get('required', ())) <= set(properties), where, 'requires what it does not describe')
        if properties:
            self.expect('additionalProperties' in s, where, 'does not say whether it may hold more')
        for k, v in properties.items():
            self.schema(v, where + '.' + k)
        for i, v in enumerate(s.get('oneOf', ())):
            self.schema(v, '%s|%d' % (where, i))
        for k in ('items', 'additionalProperties'):
            if k in s:
                self.schema(s[k], where + '.' + k)
        return None

    def content(self, content, where):
        for kind, media in content.items():
            self.expect(re.fullmatch(r'[a-z]+/[a-z0-9.+*-]+', kind), where, 'has the content type', kind)
            if kind == 'application/json':
                self.expect('schema' in media, where, 'has no schema')
            if 'schema' in media:
                self.schema(media['schema'], where)

    def operation(self, method, path, o):
        where = '%s %s' % (method.upper(), path)
        self.expect(method in METHODS, where, 'is no method')
        self.expect(o.get('summary'), where, 'has no summary')
        declared = set()
        for p in (self.d.resolve(p) for p in o.get('parameters', ())):
            at = '%s parameter %s' % (where, p.get('name'))
            self.expect((p['in'], p['name']) not in declared, at, 'stands twice')
            declared.add((p['in'], p['name']))
            self.expect(p['in'] in ('query', 'path', 'header'), at, 'is in', p['in'])
            self.schema(p.get('schema', {}), at)
            if p['in'] == 'query' and p['name'] != 'cursor':
                for value in self.d.samples(p):
                    self.d.check(value, p['schema'], at)
        self.expect({n for i, n in declared if i == 'path'} == set(re.findall(r'\{([^}]*)\}', path)), where,
                    'declares other parameters in its path than it has')
        self.expect(any(s[0] == '2' for s in o['responses']), where, 'never succeeds')
        for status, r in o['responses'].items():
            at = '%s -> %s' % (where, status)
            self.expect(re.fullmatch('[2345][0-9][0-9]', status), at, 'is no status')
            r = self.d.resolve(r)
            self.expect(r.get('description'), at, 'has no description')
            self.expect(not ('content' in r and status in ('204', '304')), at, 'can have no body')
            self.content(r.get('content', {}), at)
        if 'requestBody' in o:
            self.expect(o['requestBody'].get('content'), where, 'describes no body')
            self.content(o['requestBody'].get('content', {}), where + ' body')

    def run(self):
        doc = self.d.doc
        self.expect(re.fullmatch(r'3\.1\.\d+', doc['openapi']), 'openapi is', doc['openapi'])
        for method, path, o in self.d.operations():
            try:
                self.operation(method, path, o)
            except (AssertionError, KeyError) as e:
                self.expect(False, method.upper(), path, repr(e))
        for name, s in doc['components']['schemas'].items():
            self.schema(s, name)
        text = json.dumps(doc)
        for kind, items in doc['components'].items():
            for name in items:
                named = '"%s": []' % name if kind == 'securitySchemes' else '"#/components/%s/%s"' % (kind, name)
                self.expect(named in text, kind, name, 'is used by nothing')
        return self.wrong


if __name__ == '__main__':
    found = Rules(Document(sys.argv[1])).run()
    for line in found:
        print('%s: %s' % (sys.argv[1], line), file=sys.stderr)
    sys.exit(1 if found else 0)
