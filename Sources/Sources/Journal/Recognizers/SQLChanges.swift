internal import Grants

/// What SQL text would give, for those who have text that no database has run yet.
package struct SQLChange: Sendable, Equatable {
  package var subject: String
  package var object: String
  package var right: String

  /// The grants that `text` makes in `database`, each with one right; escaped. PostgreSQL's dialect.
  package static func all(in text: ArraySlice<UInt8>, database: String) -> [SQLChange] {
    SQLGrants(SQLTokenizer(text).tokens, database: database).found.compactMap { told in
      guard told.type == .grant, let subject = told.subject, let object = told.object,
        let right = told.right, !right.isEmpty
      else { return nil }
      return SQLChange(subject: subject, object: object, right: right)
    }
  }
}
