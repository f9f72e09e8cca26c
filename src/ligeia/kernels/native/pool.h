// The library's threads, for what is compiled for the oldest processor.
#pragma once
#include <functional>

#ifdef _WIN32
#define LIGEIA_API extern "C" __declspec(dllexport)
#else
#define LIGEIA_API extern "C" __attribute__((visibility("default")))
#endif

// Calls work(share) for each share; the calls run beside each other, on as many threads.
void run_shares(int num_shares, const std::function<void(int)>& work);
