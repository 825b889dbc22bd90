/// The version of all programs of the project; CHANGELOG.md tells what is in it.
package enum Version {
  package static let text = "0.1.0"
}
