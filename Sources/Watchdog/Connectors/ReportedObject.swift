import Grants
import Sources

/// Whether what a statement names is what a connector reports: SQL may leave out a schema, names
/// views as tables, and a statement may be about many objects at once.
package enum ReportedObject {
  /// `postgresql:shop/table/t1` tells of `postgresql:shop/table/public.t1`.
  package static func isMeant(_ told: String, by object: String) -> Bool {
    if told == object { return true }
    guard let (database, family, name) = parts(told),
      let (itsDatabase, itsFamily, itsName) = parts(object)
    else { return false }
    guard database == itsDatabase || database == "?" || family == "database" else { return false }
    if family.hasPrefix("default-"), family == itsFamily { return true }
    if family.hasPrefix("all-") {
      // ALL TABLES IN SCHEMA s.
      return relations.contains(itsFamily) == family.hasPrefix("all-tables")
        && (itsName.hasPrefix(name + ".") || name.isEmpty)
    }
    guard
      family == itsFamily || (relations.contains(family) && relations.contains(itsFamily))
        || (routines.contains(family) && routines.contains(itsFamily))
    else { return false }
    guard !name.isEmpty else { return false }
    let bare = itsName.prefix { $0 != "(" }
    return bare == name || bare.hasSuffix("." + name)
  }

  private static let relations: Set<String> = [
    "table", "view", "materialized-view", "foreign-table", "sequence",
  ]
  private static let routines: Set<String> = ["function", "procedure", "routine"]

  /// `postgresql:DATABASE/FAMILY/NAME` in parts.
  private static func parts(
    _ object: String
  ) -> (database: String, family: String, name: String)? {
    let scheme = "postgresql:"
    guard object.hasPrefix(scheme) else { return nil }
    let pieces = object.dropFirst(scheme.count).split(
      separator: "/", maxSplits: 2, omittingEmptySubsequences: false
    ).map(String.init)
    guard pieces.count >= 2, pieces[0] != "role" else { return nil }
    return (pieces[0], pieces[1], pieces.count > 2 ? pieces[2] : "")
  }
}
