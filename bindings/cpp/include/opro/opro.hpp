// SPDX-License-Identifier: MIT
// The header under the name that it is installed by, for programs of this tree.
#include "../../opro.hpp" // IWYU pragma: export
