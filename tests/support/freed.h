#pragma once
/// @file Owners of OpenSSL's objects in tests: std::unique_ptr<X509, Freed<X509_free>>.

namespace cocoon::test {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

}  // namespace cocoon::test
