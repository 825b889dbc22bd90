internal import ByteText

/// A line of group(5), and what gshadow(5) adds to it. Bytes as they stand in the file.
package struct GroupLine: Equatable, Sendable {
  package var name: [UInt8]
  package var gid: UInt32
  package var members: [[UInt8]]
}

/// A line of gshadow(5).
package struct GroupShadowLine: Equatable, Sendable {
  package var name: [UInt8]
  package var administrators: [[UInt8]]
  package var members: [[UInt8]]
}

/// A line of passwd(5).
package struct UserLine: Equatable, Sendable {
  package var name: [UInt8]
  /// `x` where shadow(5) has it.
  package var password: [UInt8]
  package var uid: UInt32
  package var gid: UInt32
  package var home: [UInt8]
  package var shell: [UInt8]
}

/// A line of shadow(5).
package struct ShadowLine: Equatable, Sendable {
  package var name: [UInt8]
  package var password: [UInt8]
  /// The day since 1970 from which on the account is refused; nil for never.
  package var expiry: Int64?
}

/// The account files, line by line, as the C library reads them: leading blanks go, comments, NIS
/// lines (`+`, `-`), and lines without a name or a number are passed over.
package enum AccountLines {
  package static func groups(_ bytes: [UInt8]) -> [GroupLine] {
    fields(bytes, atLeast: 3).compactMap { fields in
      number(fields[2]).map { gid in
        GroupLine(
          name: Array(fields[0]), gid: gid, members: fields.count > 3 ? names(fields[3]) : [])
      }
    }
  }

  package static func groupShadows(_ bytes: [UInt8]) -> [GroupShadowLine] {
    fields(bytes, atLeast: 2).map { fields in
      GroupShadowLine(
        name: Array(fields[0]), administrators: fields.count > 2 ? names(fields[2]) : [],
        members: fields.count > 3 ? names(fields[3]) : [])
    }
  }

  package static func users(_ bytes: [UInt8]) -> [UserLine] {
    fields(bytes, atLeast: 4).compactMap { fields in
      guard let uid = number(fields[2]), let gid = number(fields[3]) else { return nil }
      return UserLine(
        name: Array(fields[0]), password: Array(fields[1]), uid: uid, gid: gid,
        home: fields.count > 5 ? Array(fields[5]) : [],
        shell: fields.count > 6 ? Array(fields[6]) : [])
    }
  }

  /// The password fields of shadow(5) by name; of lines with the same name the first counts.
  package static func passwords(_ bytes: [UInt8]) -> [[UInt8]: [UInt8]] {
    var passwords: [[UInt8]: [UInt8]] = [:]
    for fields in fields(bytes, atLeast: 2) where passwords[Array(fields[0])] == nil {
      passwords[Array(fields[0])] = Array(fields[1])
    }
    return passwords
  }

  /// The lines of shadow(5), those of two fields included, which older tools write.
  package static func shadows(_ bytes: [UInt8]) -> [ShadowLine] {
    fields(bytes, atLeast: 2).map { fields in
      ShadowLine(
        name: Array(fields[0]), password: Array(fields[1]),
        expiry: fields.count > 7 ? decimal(fields[7]) : nil)
    }
  }

  private static func fields(_ bytes: [UInt8], atLeast least: Int) -> [[ArraySlice<UInt8>]] {
    split(bytes[...], at: UInt8(ascii: "\n")).compactMap { line in
      let line = line.drop(while: isBlank)
      guard let first = line.first, first != UInt8(ascii: "#"), first != UInt8(ascii: "+"),
        first != UInt8(ascii: "-"), first != UInt8(ascii: ":")
      else { return nil }
      let fields = split(line, at: UInt8(ascii: ":"))
      return fields.count >= least ? fields : nil
    }
  }

  private static func number(_ field: ArraySlice<UInt8>) -> UInt32? {
    decimal(field).flatMap { UInt32(exactly: $0) }
  }

  private static func names(_ field: ArraySlice<UInt8>) -> [[UInt8]] {
    split(field, at: UInt8(ascii: ",")).compactMap { piece in
      let name = piece.drop(while: isBlank)
      return name.isEmpty ? nil : Array(name)
    }
  }
}
