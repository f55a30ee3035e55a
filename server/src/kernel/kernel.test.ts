import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Bounds } from './bounds.ts';
import { Chain } from './chain.ts';
import { Claims } from './claims.ts';
import { defineModule, orderModules, type ServiceKey, serviceKey } from './module.ts';

const link = (name: string, rest: { before?: string[]; after?: string[] } = {}) => ({ name, run: name, ...rest });
const module = (name: string, needs: ServiceKey<unknown>[], offers: ServiceKey<unknown>[]) =>
  defineModule({ name, needs, offers, setup() {} });

suite('chain', () => {
  test('before and after decide the order, declaration order the rest', () => {
    const chain = new Chain<string>('screen');
    chain.add(link('c', { after: ['b'] }));
    chain.add(link('a'));
    chain.add(link('b', { before: ['a'] }));
    assert.deepEqual(
      chain.links().map(({ name }) => name),
      ['b', 'c', 'a'],
    );
  });

  test('a name that is not there is ignored, so that a feature can be deleted', () => {
    const chain = new Chain<string>('screen');
    chain.add(link('a', { after: ['gone'] }));
    assert.deepEqual(
      chain.links().map(({ name }) => name),
      ['a'],
    );
  });

  test('a contradiction names those it is between', () => {
    const chain = new Chain<string>('route');
    chain.add(link('a', { before: ['b'] }));
    chain.add(link('b', { before: ['a'] }));
    assert.throws(() => chain.links(), /chain route: no order satisfies a, b/);
  });
});

suite('claims', () => {
  test('a second owner is refused, and both are named', () => {
    const claims = new Claims<number>();
    claims.add('calls', 'INVITE', 1);
    assert.throws(() => claims.add('rooms', 'INVITE', 2), /both calls and rooms want to handle INVITE/);
  });

  test('a package has an owner of its own, else the method has', () => {
    const claims = new Claims<number>();
    claims.add('events', 'SUBSCRIBE', 1);
    claims.add('presence', 'SUBSCRIBE', 2, 'presence');
    assert.equal(claims.find('SUBSCRIBE', 'presence')?.module, 'presence');
    assert.equal(claims.find('SUBSCRIBE', 'dialog')?.module, 'events');
    assert.equal(claims.find('PUBLISH'), undefined);
  });
});

suite('bounds', () => {
  test('what is full refuses, counts it, and has room again after a release', () => {
    const bounds = new Bounds();
    const bound = bounds.declare({ name: 'x.queue', cap: 2, whenFull: 'the oldest goes' });
    assert.deepEqual([bound.take(), bound.take(), bound.take()], [true, true, false]);
    bound.release();
    assert.equal(bound.take(), true);
    assert.deepEqual(bounds.report(), [
      { name: 'x.queue', cap: 2, whenFull: 'the oldest goes', used: 2, peak: 2, refused: 1 },
    ]);
    assert.throws(() => bound.release(3), /released more than was taken/);
    assert.throws(() => bounds.declare({ name: 'x.queue', cap: 1, whenFull: '' }), /declared twice/);
  });
});

suite('modules', () => {
  const store: ServiceKey<unknown> = serviceKey('store');
  const phone: ServiceKey<unknown> = serviceKey('phone');

  test('what is needed comes first', () => {
    const names = orderModules([module('b', [store], [phone]), module('a', [], [store])]).map(({ name }) => name);
    assert.deepEqual(names, ['a', 'b']);
  });

  test('a missing service, two providers and a circle are each a sentence', () => {
    assert.throws(() => orderModules([module('b', [store], [])]), /the module b needs store, which no module offers/);
    assert.throws(() => orderModules([module('a', [], [store]), module('b', [], [store])]), /both a and b offer store/);
    assert.throws(() => orderModules([module('a', [phone], [store]), module('b', [store], [phone])]), /in a circle/);
  });
});
