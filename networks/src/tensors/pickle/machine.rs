//! The stack machine.

use std::collections::HashMap;

use driftfield_problems::echo::echo;

use super::classes::Class;
use super::cursor::{Cursor, malformed};
use super::object::{Object, Storage, Value, View};
use super::plain::plain;
use crate::tensors::TensorsError;
use crate::tensors::element::Element;

/// A pickle that has been read.
#[derive(Debug)]
pub(in crate::tensors) struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    /// What it is a pickle of.
    pub(in crate::tensors) root: Value<'a>,
}

impl<'a> Pickle<'a> {
    /// What a value stands for, if it is an object.
    pub(in crate::tensors) fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }
}

/// Reads a pickle, and refuses one that asks for code.
pub(in crate::tensors) fn read(bytes: &[u8]) -> Result<Pickle<'_>, TensorsError> {
    let mut machine = Machine::default();
    let mut cursor = Cursor::new(bytes);
    while machine.step(&mut cursor)? {}
    let root = machine.pop()?;
    Ok(Pickle { objects: machine.objects, root })
}

#[derive(Debug, Default)]
struct Machine<'a> {
    stack: Vec<Value<'a>>,
    memory: HashMap<usize, Value<'a>>,
    objects: Vec<Object<'a>>,
}

impl<'a> Machine<'a> {
    /// One instruction; false after the last.
    fn step(&mut self, from: &mut Cursor<'a>) -> Result<bool, TensorsError> {
        match from.byte()? {
            // PROTO, FRAME: nothing to do for one who has all bytes.
            0x80 => drop(from.byte()?),
            0x95 => drop(from.take(8)?),
            b'.' => return Ok(false),
            code @ (b'N' | 0x88 | 0x89 | b'K' | b'M' | b'J' | 0x8a | 0x8b | b'G' | b'X' | 0x8c
            | 0x8d | b'U' | b'T' | b'C' | b'B' | 0x8e) => {
                let value = plain(code, from)?;
                self.stack.push(value);
            }
            code @ (b'0' | b'1' | b'2' | b'(' | b'q' | b'r' | 0x94 | b'h' | b'j') => {
                self.shuffle(code, from)?;
            }
            code @ (b')' | b't' | 0x85 | 0x86 | 0x87 | b']' | b'l' | b'}' | b'd' | 0x8f | 0x91) => {
                self.collect(code)?;
            }
            code @ (b'a' | b'e' | b's' | b'u' | 0x90 | b'b') => self.add(code)?,
            b'c' => {
                let (module, name) = (from.line()?, from.line()?);
                self.name(module, name)?;
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => self.name(module, name)?,
                _ => return Err(malformed("it names something that is no text")),
            },
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)?;
            }
            b'Q' => self.storage()?,
            code => {
                let reason = format!("instruction {code:#04x}, which torch.save does not write");
                return Err(malformed(reason));
            }
        }
        Ok(true)
    }

    /// Instructions that move values between stack and memory.
    fn shuffle(&mut self, code: u8, from: &mut Cursor<'a>) -> Result<(), TensorsError> {
        match code {
            b'0' => drop(self.pop()?),
            b'1' => drop(self.above_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'(' => self.stack.push(Value::Mark),
            b'h' | b'j' => {
                let index = if code == b'h' { from.length::<1>()? } else { from.length::<4>()? };
                let value = self.memory.get(&index).copied();
                self.stack.push(value.ok_or_else(|| malformed("it recalls what it never kept"))?);
            }
            _ => {
                let index = match code {
                    b'q' => from.length::<1>()?,
                    b'r' => from.length::<4>()?,
                    _ => self.memory.len(),
                };
                let top = self.top()?;
                self.memory.insert(index, top);
            }
        }
        Ok(())
    }

    /// Instructions that make an object of values.
    fn collect(&mut self, code: u8) -> Result<(), TensorsError> {
        let object = match code {
            b')' => Object::Tuple(Vec::new()),
            b']' => Object::List(Vec::new()),
            b'}' => Object::Dict(Vec::new()),
            b't' => Object::Tuple(self.above_mark()?),
            b'l' => Object::List(self.above_mark()?),
            b'd' => Object::Dict(pairs(&self.above_mark()?)?),
            0x91 => {
                self.above_mark()?;
                Object::Inert
            }
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(code - 0x84));
                Object::Tuple(self.stack.split_off(start.ok_or_else(empty)?))
            }
            _ => Object::Inert,
        };
        self.push(object);
        Ok(())
    }

    /// Instructions that add to the object on top of the stack.
    fn add(&mut self, code: u8) -> Result<(), TensorsError> {
        let values = match code {
            b'a' | b'b' => vec![self.pop()?],
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![key, value]
            }
            _ => self.above_mark()?,
        };
        let Value::Object(index) = self.top()? else {
            return Err(malformed("it adds to what is no list and no dictionary"));
        };
        match (code, &mut self.objects[index]) {
            // BUILD: what torch keeps so of a dictionary or a parameter is no tensor.
            (b'b', _) | (_, Object::Inert) => {}
            (b'a' | b'e', Object::List(list)) => list.extend(values),
            (b's' | b'u', Object::Dict(dict)) => dict.extend(pairs(&values)?),
            _ => return Err(malformed("it adds to what is no list and no dictionary")),
        }
        Ok(())
    }

    fn name(&mut self, module: &str, name: &str) -> Result<(), TensorsError> {
        let class = Class::find(module, name)
            .ok_or_else(|| TensorsError::Code { name: echo(&format!("{module}.{name}")) })?;
        self.push(Object::Class(class));
        Ok(())
    }

    /// What a call of something known makes.
    fn call(&mut self, callable: Value<'a>, arguments: Value<'a>) -> Result<(), TensorsError> {
        let wrong = || malformed("a call without the arguments it takes");
        let Some(&Object::Class(class)) = self.object(callable) else {
            return Err(TensorsError::Code { name: "a value that it calls".into() });
        };
        let Some(Object::Tuple(arguments)) = self.object(arguments) else { return Err(wrong()) };
        match class {
            Class::Dict => self.push(Object::Dict(Vec::new())),
            Class::Inert | Class::Storage(_) => self.push(Object::Inert),
            Class::Parameter => {
                let value = *arguments.first().ok_or_else(wrong)?;
                self.stack.push(value);
            }
            Class::Tensor => {
                let view = self.view(arguments).ok_or_else(wrong)?;
                self.push(Object::View(view));
            }
            Class::Typed => {
                // Of its four arguments the function and what it is given.
                let [function, _, given, ..] = arguments[..] else { return Err(wrong()) };
                let Some(Object::Class(Class::Tensor | Class::Parameter)) = self.object(function)
                else {
                    return Err(wrong());
                };
                return self.call(function, given);
            }
        }
        Ok(())
    }

    /// The tensor of storage, offset, shape and strides.
    fn view(&self, arguments: &[Value<'a>]) -> Option<View> {
        let [Value::Object(storage), Value::Int(offset), shape, strides, ..] = arguments else {
            return None;
        };
        let sizes = |value: &Value<'a>| -> Option<Vec<usize>> {
            let Object::Tuple(sizes) = self.object(*value)? else { return None };
            sizes.iter().map(size).collect()
        };
        let (shape, strides) = (sizes(shape)?, sizes(strides)?);
        let is_storage = matches!(self.objects.get(*storage), Some(Object::Storage(_)));
        (is_storage && shape.len() == strides.len()).then_some(())?;
        Some(View { storage: *storage, offset: usize::try_from(*offset).ok()?, shape, strides })
    }

    /// The storage that a persistent identifier, `('storage', type, key, place, count)`, means.
    fn storage(&mut self) -> Result<(), TensorsError> {
        let wrong = || malformed("it refers to something that is no storage");
        let identifier = self.pop()?;
        let Some(Object::Tuple(parts)) = self.object(identifier) else { return Err(wrong()) };
        let [Value::Text("storage"), class, Value::Text(key), _, count] = parts[..] else {
            return Err(wrong());
        };
        let Some(&Object::Class(Class::Storage(class))) = self.object(class) else {
            return Err(wrong());
        };
        let count = size(&count).ok_or_else(wrong)?;
        self.push(Object::Storage(Storage { key, element: Element::of_storage(class), count }));
        Ok(())
    }

    fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }

    fn push(&mut self, object: Object<'a>) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
    }

    fn top(&self) -> Result<Value<'a>, TensorsError> {
        self.stack.last().copied().ok_or_else(empty)
    }

    fn pop(&mut self) -> Result<Value<'a>, TensorsError> {
        self.stack.pop().ok_or_else(empty)
    }

    /// The values above the last mark, which goes too.
    fn above_mark(&mut self) -> Result<Vec<Value<'a>>, TensorsError> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark);
        let values = self.stack.split_off(mark.ok_or_else(empty)? + 1);
        self.stack.pop();
        Ok(values)
    }
}

fn empty() -> TensorsError {
    malformed("it takes from an empty stack")
}

fn size(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Int(size) => usize::try_from(*size).ok(),
        _ => None,
    }
}

fn pairs<'a>(values: &[Value<'a>]) -> Result<Vec<(Value<'a>, Value<'a>)>, TensorsError> {
    let (pairs, rest) = values.as_chunks::<2>();
    if rest.is_empty() {
        return Ok(pairs.iter().map(|&[key, value]| (key, value)).collect());
    }
    Err(malformed("a dictionary has a key without a value"))
}
