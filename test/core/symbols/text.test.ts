import t from 'tap'
import { extractSymbols } from '../../../core/project/worker/symbols/symbols.js'
import { describe } from './symbols-of.js'

const definitions = async (language: string | undefined, text: string) => describe(await extractSymbols(language, text))

t.test('declarations are told by their words, and end where indentation comes back', async (t) => {
  t.strictSame(await definitions('scala', 'package acme\n\n/** Doc. */\n@deprecated\nclass Store(\n  a: Int\n) {\n  def get(key: String) = {\n    key\n  }\n\n  val size = 1\n}\nobject Main {\n  def main() = 1\n}\n'), [
    'module acme 0 0 0 0',
    'class Store 2 4 6 12',
    'method Store.get 7 7 7 9',
    'field Store.size 11 11 11 11',
    'class Main 13 13 13 15',
    'method Main.main 14 14 14 14'
  ].map((line) => line.replace('method', 'function')))
  t.strictSame(await definitions('elixir', 'defmodule Acme.Store do\n  # Doc.\n  def get(key) do\n    key\n  end\n\n  defp reset, do: :ok\nend\n'), ['module Acme.Store 0 0 0 7', 'function Acme.Store.get 1 2 2 4', 'function Acme.Store.reset 6 6 6 6'])
  t.strictSame(await definitions('lua', 'local function a()\n  b()\nend\nM.c = function()\nend\n'), ['function a 0 0 0 2', 'function M.c 3 3 3 4'])
  t.strictSame(await definitions('haskell', 'module Acme where\ndata Tree = Leaf\nclass Show a => Named a where\n  name :: a -> String\nsize :: Tree -> Int\nsize _ = 1\n'), ['module Acme 0 0 0 0', 'type Tree 1 1 1 1', 'interface Named 2 2 2 3', 'function size 4 4 4 4'])
  t.strictSame(await definitions('apex', 'public with sharing class Store {\n  @AuraEnabled\n  public static List<Account> find(String name) {\n    return null;\n  }\n}\n'), ['class Store 0 0 0 5', 'method Store.find 1 2 2 4'])
  t.strictSame(await definitions('objective-c', '@interface Store : NSObject\n@property (nonatomic) NSString *name;\n- (void)close;\n@end\n'), ['class Store 0 0 0 0', 'field name 1 1 1 1', 'method close 2 2 2 2'])
  t.strictSame(await definitions('powershell', 'function Get-Store {\n  1\n}\n'), ['function Get-Store 0 0 0 2'])
})

t.test('SQL', async (t) => {
  const { definitions, references, by } = await extractSymbols('sql', `-- People.
CREATE TABLE IF NOT EXISTS app.people (
  id bigint primary key
);

CREATE OR REPLACE FUNCTION adult(age int) RETURNS boolean AS $$
BEGIN
  RETURN age >= 18;
END;
$$ LANGUAGE plpgsql;

CREATE PROCEDURE tidy()
BEGIN
  DELETE FROM app.logs;
END;

create view grown as select * from people join teams on true
alter table people add column age int;
`)
  t.equal(by, 'text')
  t.strictSame(describe({ definitions, references, imports: [], comments: [], by }), [
    'class people 0 1 1 3',
    'function adult 5 5 5 9',
    'function tidy 11 11 11 14',
    'class grown 16 16 16 16',
    'section people 17 17 17 17'
  ])
  t.strictSame(references, ['logs', 'teams'])
})

t.test('headings of Markdown', async (t) => {
  t.strictSame(await definitions('markdown', '# Title\n\ntext\n\n## One ##\n\n```sh\n# not a heading\n```\n\nUnder\n-----\n\n- item\n---\n\nTop\n===\n'), [
    'section Title 0 0 0 15',
    'section Title.One 4 4 4 9',
    'section Title.Under 10 10 11 15',
    'section Top 16 16 17 18'
  ])
})

t.test('what describes interfaces, builds and infrastructure', async (t) => {
  t.strictSame(await definitions('protobuf', 'message User {\n  string name = 1;\n}\nservice Users {\n  rpc Get(User) returns (User);\n}\n'), ['class User 0 0 0 2', 'class Users 3 3 3 5', 'method Users.Get 4 4 4 4'])
  t.strictSame(await definitions('terraform', 'resource "aws_s3_bucket" "logs" {\n  bucket = "x"\n}\n'), ['section resource "aws_s3_bucket" "logs" 0 0 0 2'])
  t.strictSame(await definitions('graphql', 'type User {\n  name: String\n}\n'), ['type User 0 0 0 2'])
  t.strictSame(await definitions('makefile', 'CC = gcc\nall: build\n\tgcc x\n'), ['constant CC 0 0 0 0', 'function all 1 1 1 2'])
  t.strictSame(await definitions('toml', '[package]\nname = "x"\n'), ['section package 0 0 0 0'])
})

t.test('prose and data declare nothing', async (t) => {
  for (const language of ['text', 'json', 'yaml', 'restructuredtext', undefined]) {
    const { definitions, references, imports } = await extractSymbols(language, 'class act of the type we import from Foo (bar)\nimport x\n')
    t.strictSame({ definitions, references, imports }, { definitions: [], references: [], imports: [] }, language ?? 'none')
  }
})

t.test('imports and references', async (t) => {
  const { imports, references } = await extractSymbols('lua', 'local a = require("acme.a")\nlocal b = require "acme.b"\nlocal c = a.find(B)\nprint(c)\n')
  t.strictSame(imports, ['acme.a', 'acme.b'])
  t.strictSame(references, ['require', 'a', 'b', 'find', 'B', 'print'])
  t.equal((await extractSymbols('lua', Array.from({ length: 3000 }, (_, index) => `f${index}()`).join('\n'))).references.length, 2000)
})
