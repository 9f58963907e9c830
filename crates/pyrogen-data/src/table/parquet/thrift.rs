//! Thrift's compact protocol, which the metadata of Parquet files is written in.

/// A value of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Double,
    Bytes(Vec<u8>),
    List(Vec<Value>),
    /// Fields by number, ascending in good files.
    Struct(Vec<(i64, Value)>),
}

/// Values that no field has.
static NOTHING: Value = Value::Double;

/// Structs in structs at most.
const DEEPEST: usize = 32;

impl Value {
    /// Reads a struct from the beginning of some bytes, and says how many it takes.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), String> {
        let mut reader = Reader { bytes, at: 0 };
        let value = reader.fields(0)?;
        Ok((value, reader.at))
    }

    /// A field of a struct; a value that is nothing where it is not there.
    pub fn field(&self, number: i64) -> &Self {
        match self {
            Self::Struct(fields) => {
                fields.iter().find(|(n, _)| *n == number).map_or(&NOTHING, |(_, value)| value)
            }
            _ => &NOTHING,
        }
    }

    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(v) => Some(*v),
            _ => None,
        }
    }

    /// A number that counts something.
    pub fn count(&self) -> Option<usize> {
        self.int().and_then(|v| usize::try_from(v).ok())
    }

    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Bool(v) => Some(*v),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<String> {
        match self {
            Self::Bytes(v) => String::from_utf8(v.clone()).ok(),
            _ => None,
        }
    }

    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(v) => v,
            _ => &[],
        }
    }

    pub fn is_struct(&self) -> bool {
        matches!(self, Self::Struct(_))
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, String> {
        let byte = self.bytes.get(self.at).copied().ok_or("its metadata is cut off")?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut out = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            out |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(out);
            }
        }
        Err("its metadata has a number of more than 64 bits".into())
    }

    /// A number with a sign: 0, -1, 1, -2 are written as 0, 1, 2, 3.
    fn signed(&mut self) -> Result<i64, String> {
        let v = self.varint()?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("its metadata is cut off")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn size(&mut self) -> Result<usize, String> {
        usize::try_from(self.varint()?).map_err(|e| e.to_string())
    }

    fn fields(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err("its metadata is nested too deeply".into());
        }
        let (mut fields, mut number) = (Vec::new(), 0i64);
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(Value::Struct(fields));
            }
            number = match head >> 4 {
                0 => self.signed()?,
                more => number.saturating_add(i64::from(more)),
            };
            let value = match head & 15 {
                1 => Value::Bool(true),
                2 => Value::Bool(false),
                kind => self.value(kind, depth)?,
            };
            fields.push((number, value));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<Value, String> {
        match kind {
            // In a list a boolean is a byte.
            1 | 2 => Ok(Value::Bool(self.byte()? == 1)),
            3 => Ok(Value::Int(i64::from(self.byte()? as i8))),
            4..=6 => Ok(Value::Int(self.signed()?)),
            7 => self.take(8).map(|_| Value::Double),
            8 => {
                let size = self.size()?;
                Ok(Value::Bytes(self.take(size)?.to_vec()))
            }
            9 | 10 => self.list(depth + 1),
            11 => self.map(depth + 1),
            12 => self.fields(depth + 1),
            other => Err(format!("its metadata has a value of type {other}")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let head = self.byte()?;
        let size = match head >> 4 {
            15 => self.size()?,
            size => usize::from(size),
        };
        self.many(size, head & 15, depth)
    }

    /// Keys and values, side by side.
    fn map(&mut self, depth: usize) -> Result<Value, String> {
        let size = self.size()?;
        if size == 0 {
            return Ok(Value::List(Vec::new()));
        }
        let kinds = self.byte()?;
        let mut out = Vec::new();
        for _ in 0..size {
            out.push(self.value(kinds >> 4, depth)?);
            out.push(self.value(kinds & 15, depth)?);
        }
        Ok(Value::List(out))
    }

    fn many(&mut self, size: usize, kind: u8, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err("its metadata is nested too deeply".into());
        }
        // Every value takes a byte at least, so a size that lies ends soon.
        let mut out = Vec::new();
        for _ in 0..size {
            out.push(self.value(kind, depth)?);
        }
        Ok(Value::List(out))
    }
}
