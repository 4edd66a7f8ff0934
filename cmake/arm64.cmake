# Cross build for arm64: compiles every folder with the distribution's cross compiler (make check). OpenSSL's headers are
# architecture-independent but for its configuration header; nothing is linked.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
