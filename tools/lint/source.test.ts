import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lineAt, readSource } from './source.ts';

const read = (text: string) => readSource('x.ts', text);
const texts = (pieces: readonly { readonly text: string }[]) => pieces.map(({ text }) => text);

suite('splitting source into code, comments, strings and regular expressions', () => {
  test('comments and strings are blanked, positions and lines stay', () => {
    const source = read("a('x // no'); // yes\n/* two\nlines */ b");
    assert.equal(source.code, `a('       ');       \n      \n         b`);
    assert.deepEqual(texts(source.comments), ['// yes', '/* two\nlines */']);
    assert.deepEqual(texts(source.strings), ['x // no']);
  });

  test('escaped quotes do not end a string', () => {
    assert.deepEqual(texts(read(String.raw`f('it\'s', "\"")`).strings), [String.raw`it\'s`, String.raw`\"`]);
  });

  test('the holes of a template are code, nested ones too', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    const source = read('`a${ b + `c${ {d: 1}.d }e` }f`; g');
    assert.deepEqual(texts(source.strings), ['a', 'c', 'e', 'f']);
    assert.match(source.code, /b \+ .*\{d: 1\}\.d.*; g$/);
  });

  test('a slash divides after a value and starts a regular expression elsewhere', () => {
    assert.deepEqual(texts(read('a / b / c; x = /re[/]x\\//g; return /two/;').regexes), ['re[/]x\\/', 'two']);
  });

  test('lines are counted from 1', () => {
    assert.equal(lineAt('a\nb\nc', 4), 3);
    assert.equal(lineAt('a\nb', 0), 1);
  });
});
